/** Credentials of a server that was started without a configuration file. Kept in the data directory. */

import { randomInt } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { hashPassword } from '../auth/passwords/hash.js';
import { codeOf } from '../file-error.js';
import { ConfigError, reasonOf } from './config-error.js';
import type { ClientAuth } from './types.js';
import { writePrivateFile } from './write-private-file.js';

const AGENT_ID = 'agent';
export const ADMIN_NAME = 'admin';
const ADMIN_GROUP = 'Administrators';
/** Letters and digits that cannot be mistaken for one another, and need no quoting in a shell. */
const ALPHABET = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789';
/** log2(56) · 24 ≈ 139 bits. */
const PASSWORD_LENGTH = 24;

/**
 * Makes the agent credential file unless it exists.
 * @returns the first credential of the file, for the command line shown to the operator
 * @throws ConfigError when an existing file is unusable
 */
export async function keepAgentCredential(path: string): Promise<ClientAuth> {
  if (!(await exists(path))) {
    const credential = { id: AGENT_ID, password: randomPassword() };
    await writePrivateFile(path, `${JSON.stringify({ [credential.id]: credential.password }, null, 1)}\n`);
    return credential;
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(await readFile(path, 'utf8'));
  } catch (thrown) {
    throw new ConfigError(`can't read agent credentials: ${path}: ${withoutContent(thrown)}`);
  }
  const [first] = typeof parsed === 'object' && parsed !== null ? Object.entries(parsed) : [];
  if (first === undefined || typeof first[1] !== 'string')
    throw new ConfigError(`can't read agent credentials: ${path}: expected an object {"<id>": "<password>"}`);
  return { id: first[0], password: first[1] };
}

/**
 * Makes the users file with one administrator unless it exists.
 * @returns the password of the new administrator, `null` when the file was there
 */
export async function keepAdminUser(path: string): Promise<string | null> {
  if (await exists(path)) return null;
  const password = randomPassword();
  const user = {
    username: ADMIN_NAME,
    password: await hashPassword(password),
    password_expired: false,
    groups: [ADMIN_GROUP],
    two_fa_send_to: '',
  };
  await writePrivateFile(path, `${JSON.stringify([user], null, 1)}\n`);
  return password;
}

const randomPassword = (): string =>
  Array.from({ length: PASSWORD_LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return false;
    throw thrown;
  }
}

/** JSON errors quote the text, which holds passwords. */
const withoutContent = (thrown: unknown): string =>
  thrown instanceof SyntaxError ? 'not JSON' : reasonOf(thrown);
