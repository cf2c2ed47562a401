/** The single user of `api.auth`. Spec 02 §18.1. */

import { AppError } from '../../errors.js';
import { ADMINISTRATORS } from '../principal.js';
import { staticUserTitle, type User, type UserProvider } from './provider.js';

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
    groupPermissions: false,
    writable: false,
    find,
    findCurrent: find,
    decoy: () => password,
    async setPassword() {
      throw new AppError('bad_request', { title: staticUserTitle });
    },
    reload: () => Promise.resolve(),
  };
}
