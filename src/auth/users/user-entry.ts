/** Elements of an API users file as they are written. Spec 02 §18.2. */

import type { User } from './provider.js';
import type { UserChange } from './writes.js';

type Entry = Readonly<Record<string, unknown>>;

const keys: Readonly<Record<keyof User, string>> = {
  username: 'username',
  password: 'password',
  passwordExpired: 'password_expired',
  groups: 'groups',
  twoFaSendTo: 'two_fa_send_to',
  totpSecret: 'totp_secret',
};

export const newEntry = (user: User): Entry => changedEntry({}, user);

/** Keys keep their spelling and their place; those this server does not know stay. An empty TOTP secret has no key. */
export function changedEntry(entry: Entry, change: UserChange): Entry {
  const changed = new Map(Object.entries(entry));
  for (const [field, key] of Object.entries(keys) as [keyof User, string][]) {
    const value = change[field];
    if (value === undefined) continue;
    const spellings = [...changed.keys()].filter((spelling) => spelling.toLowerCase() === key);
    if (field === 'totpSecret' && value === '') for (const spelling of spellings) changed.delete(spelling);
    else
      for (const spelling of spellings.length > 0 ? spellings : [key]) changed.set(spelling, stored(value));
  }
  return Object.fromEntries(changed);
}

const stored = (value: unknown): unknown => (Array.isArray(value) ? [...new Set(value)] : value);
