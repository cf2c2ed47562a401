/** Reads the text of an API users file. Spec 02 §18.2, 07 §9.4. */

import { parseSecretJson } from '../parse-json.js';
import { isPasswordHash } from '../passwords/kind.js';
import type { User } from './provider.js';

/** One element of the file: what this server uses, and everything else as found, for writing it back. */
export interface UserEntry {
  readonly user: User;
  readonly raw: Readonly<Record<string, unknown>>;
}

/**
 * Empty text means no users; anything after the array is ignored; keys match in any case, unknown ones count
 * for nothing. Throws `Error` with the texts of spec 02 §18.2.
 */
export function parseUsersFile(text: string): readonly UserEntry[] {
  const data = text.replace(/^\uFEFF/, '').trim();
  if (data === '') return [];
  if (data.startsWith('null')) return [];
  if (!data.startsWith('[')) throw new Error('failed to parse users data: expected an array of users');
  let elements: readonly unknown[];
  try {
    elements = parseSecretJson(firstArray(data)) as readonly unknown[];
  } catch (error) {
    throw new Error(`failed to parse users data: ${(error as Error).message}`);
  }
  const names = new Set<string>();
  return elements.map((element) => {
    const entry = parseUser(element);
    if (names.has(entry.user.username)) {
      throw new Error(`non unique username: ${JSON.stringify(entry.user.username)}`);
    }
    names.add(entry.user.username);
    return entry;
  });
}

/** The text of the array `data` begins with; all of it when the array does not end. */
function firstArray(data: string): string {
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < data.length; at += 1) {
    const char = data[at];
    if (quoted) {
      if (char === '\\') at += 1;
      else if (char === '"') quoted = false;
    } else if (char === '"') quoted = true;
    else if (char === '[' || char === '{') depth += 1;
    else if (char === ']' || char === '}') {
      depth -= 1;
      if (depth === 0) return data.slice(0, at + 1);
    }
  }
  return data;
}

function parseUser(element: unknown): UserEntry {
  if (typeof element !== 'object' || element === null || Array.isArray(element)) {
    throw new Error('failed to parse user: expected an object');
  }
  const fields = new Map(Object.entries(element).map(([key, value]) => [key.toLowerCase(), value]));
  const text = (key: string): string => {
    const value: unknown = fields.get(key) ?? '';
    if (typeof value !== 'string') throw new Error(`failed to parse user: ${key} must be a string`);
    return value;
  };

  const expired: unknown = fields.get('password_expired') ?? false;
  if (typeof expired !== 'boolean') {
    throw new Error('failed to parse user: password_expired must be true, false or null');
  }
  const groups: unknown = fields.get('groups') ?? null;
  if (groups !== null && !isTextArray(groups)) {
    throw new Error('failed to parse user: groups must be an array of strings');
  }
  const [twoFaSendTo, totpSecret] = [text('two_fa_send_to'), text('totp_secret')];

  const username = text('username').trim();
  if (username === '') throw new Error('username can not be empty');
  const password = text('password').trim();
  if (password === '') throw new Error('password can not be empty');
  if (!isPasswordHash(password)) {
    throw new Error(
      `username ${JSON.stringify(username)}: require passwords to be bcrypt hashed and to be compatible with "htpasswd -bnBC 10 "" <password> | tr -d ':'", or to be argon2id hashes`,
    );
  }
  return {
    user: {
      username,
      password,
      passwordExpired: expired,
      groups: groups === null ? null : [...new Set(groups)],
      twoFaSendTo,
      totpSecret,
    },
    raw: element as Record<string, unknown>,
  };
}

const isTextArray = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string');
