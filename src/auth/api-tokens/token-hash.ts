/**
 * The secret of an API token is random, so nobody can guess what a hash came from, however fast it is: a slow one
 * would only cost every request of every script. Stored as `sha256:<base64url>`; the word names the kind.
 */

import { createHash } from 'node:crypto';
import { sameText } from '../same-text.js';

const SHA256 = 'sha256:';

export const hashTokenSecret = (secret: string): string =>
  SHA256 + createHash('sha256').update(secret).digest('base64url');

/** Takes the same time for every wrong secret. A hash of unknown kind matches nothing. */
export const matchesTokenHash = (secret: string, stored: string): boolean =>
  stored.startsWith(SHA256) && sameText(hashTokenSecret(secret), stored);
