/** Credentials a server makes for itself when it keeps them and there are none yet. */

import { randomInt } from 'node:crypto';
import { hashPassword } from '../auth/passwords/hash.js';
import { ADMINISTRATORS } from '../auth/principal.js';
import type { Store } from '../store/store.js';
import type { ClientAuth } from './types.js';

const AGENT_ID = 'agent';
const ADMIN_NAME = 'admin';
/** Letters and digits that cannot be mistaken for one another, and need no quoting in a shell. */
const ALPHABET = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789';
/** log2(56) · 24 ≈ 139 bits. */
const PASSWORD_LENGTH = 24;
/**
 * Setting: hashes of passwords made for the first administrator, none of which anybody has seen. Without it a server
 * that ends before it can show the password, because a port is taken for example, would lock its operator out.
 */
const UNSEEN = 'unseen administrator passwords';

/** What an agent's command line needs. */
export interface AgentLine extends ClientAuth {
  /** Nobody has seen the password yet. */
  readonly isNew: boolean;
}

export interface NewAdmin {
  readonly username: string;
  readonly password: string;
}

/** The first agent credential of the store, made unless there is one; on disk when the promise resolves. */
export async function keepAgentCredential(store: Store): Promise<AgentLine | null> {
  const isNew = store.agentCredentials.isEmpty();
  if (isNew) {
    await store.agentCredentials.addFirst([{ id: AGENT_ID, password: randomPassword() }]);
    await store.flushed();
  }
  for (const credential of store.agentCredentials.all()) return { ...credential, isNew };
  return null;
}

/**
 * Makes the administrator `admin` unless there are users; one whose password nobody has seen gets a new password.
 * On disk when the promise resolves.
 * @returns what must be shown now, and `adminWasShown` called after that; `null` when there is nothing to show
 */
export async function keepAdministrator(store: Store): Promise<NewAdmin | null> {
  const { users, settings } = store;
  const old = users.get(ADMIN_NAME)?.password;
  const unseen = old !== undefined && unseenHashes(store).includes(old);
  if (!unseen && !users.isEmpty()) return null;
  const password = randomPassword();
  const hash = await hashPassword(password);
  // Before the user, so that a crash in between leaves no user without it.
  await settings.put(UNSEEN, JSON.stringify(unseen ? [old, hash] : [hash]));
  const made = unseen
    ? (await users.change(ADMIN_NAME, { password: hash })) === 'changed'
    : await users.addFirst([
        {
          username: ADMIN_NAME,
          password: hash,
          passwordExpired: false,
          groups: [ADMINISTRATORS],
          twoFaSendTo: '',
          totpSecret: '',
        },
      ]);
  await store.flushed();
  return made ? { username: ADMIN_NAME, password } : null;
}

/** From now on the password stays. */
export async function adminWasShown(store: Store): Promise<void> {
  await store.settings.put(UNSEEN, '[]');
  await store.flushed();
}

function unseenHashes(store: Store): readonly unknown[] {
  try {
    const hashes: unknown = JSON.parse(store.settings.get(UNSEEN) ?? '[]');
    return Array.isArray(hashes) ? hashes : [];
  } catch {
    return [];
  }
}

const randomPassword = (): string =>
  Array.from({ length: PASSWORD_LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
