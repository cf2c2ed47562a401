/** Whether a user is still the one who had the name before. */

import { createHash } from 'node:crypto';
import type { Store } from '../../store/store.js';
import { isPasswordHash } from '../passwords/kind.js';
import type { User, UserProvider } from './provider.js';

export interface PresentUser {
  readonly user: User;
  /** See `NameTenureRepository`. */
  readonly tenure: number;
}

/**
 * The user of that name at this moment, `null` when there is none, which is noted. Rejects when users cannot be read.
 *
 * No source of users tells persons of the same name apart, and a users file or a table may be changed by hand. So a
 * name that was missed once is another person's afterwards, unless the same row has come back: an empty file that
 * was there for a minute must not stop everything for good. A row is known by its password hash, which has a salt. A new
 * password alone makes nobody another person.
 */
export async function presentUser(
  users: Pick<UserProvider, 'findCurrent'>,
  { nameTenures }: Pick<Store, 'nameTenures'>,
  username: string,
): Promise<PresentUser | null> {
  // Before the user: a change of users ends the tenure before it gives the name to somebody else.
  const before = nameTenures.current(username);
  const user = await users.findCurrent(username);
  if (user === undefined) {
    await nameTenures.missed(username, before);
    return null;
  }
  return { user, tenure: await nameTenures.seen(username, before, markOf(user)) };
}

const markOf = ({ password }: User): string | null =>
  isPasswordHash(password) ? createHash('sha256').update(password).digest('base64url') : null;
