/** What callers are told where there are no groups, or nowhere to keep what they may do. Spec 02 §14.3. */

import { AppError } from '../../errors.js';
import type { UserProvider } from '../users/provider.js';

type Support = Pick<UserProvider, 'source' | 'groupSupport'>;

/** Throws `AppError` 400 where users have lists of names and nothing else. */
export function refuseWithoutGroups({ source, groupSupport }: Support): void {
  if (groupSupport !== 'none') return;
  const backend = source === 'File' ? 'json file' : 'single user';
  throw new AppError('bad_request', {
    title: `The ${backend} authentication${source === 'File' ? ' backend' : ''} doesn't support this feature.`,
  });
}

/** Throws `AppError` 400 where groups have no rows, too. */
export function refuseWithoutGroupRows(support: Support): void {
  refuseWithoutGroups(support);
  if (support.groupSupport === 'details') return;
  throw new AppError('bad_request', {
    title: 'User group details table must be configured for this operation.',
  });
}
