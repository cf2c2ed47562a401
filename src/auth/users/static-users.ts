/** The single user of `api.auth`. Spec 02 §18.1. */

import { ADMINISTRATORS } from '../principal.js';
import type { User, UserProvider } from './provider.js';

/**
 * `auth` is `user:password`, split at the first colon; the password is plain text or a hash.
 * Throws `Error` when a half is missing.
 */
export function staticUsers(auth: string): UserProvider {
  const colon = auth.indexOf(':');
  const username = auth.slice(0, Math.max(colon, 0));
  const password = auth.slice(colon + 1);
  if (username === '' || password === '') {
    throw new Error('invalid auth format: expected <user>:<password>');
  }
  const user: User = {
    username,
    password,
    passwordExpired: false,
    groups: [ADMINISTRATORS],
    twoFaSendTo: '',
    totpSecret: '',
  };
  const find = (name: string): User | undefined => (name === username ? user : undefined);
  return {
    source: 'Static Credentials',
    groupSupport: 'none',
    writable: false,
    find,
    findCurrent: find,
    all: () => [user],
    groups: () => [],
    allGroups: () => [],
    groupNames: () => [ADMINISTRATORS],
    decoy: () => password,
    reload: () => Promise.resolve(),
    forget: () => undefined,
    close: () => Promise.resolve(),
  };
}
