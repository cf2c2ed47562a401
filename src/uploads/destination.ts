/** Where on a client no file may be written. Spec 04 §16.4. */

import { posix } from 'node:path';
import { AppError } from '../errors.js';

/** In the order in which they are checked. */
const FORBIDDEN = ['/proc/', '/sys/', '/dev/', '/run/'];

/**
 * Throws `AppError` 400 for a missing or forbidden destination. A path is looked at as the agent's system would
 * resolve it: `.`, `..` and repeated slashes removed, relative ones from the root, where agents usually run.
 */
export function checkDestination(path: string): void {
  if (path === '') throw new AppError('bad_request', { title: 'empty destination file path' });
  const normal = posix.join('/', path);
  const forbidden = FORBIDDEN.find((folder) => normal.startsWith(folder));
  if (forbidden === undefined) return;
  throw new AppError('bad_request', {
    apiCode: 'BAD_DESTINATION',
    title: 'upload denied',
    detail: `uploads to ${forbidden} are forbidden`,
  });
}
