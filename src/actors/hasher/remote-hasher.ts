import type { PasswordHasher } from '../../auth/passwords/hasher.js';
import type { Milliseconds } from '../../time.js';
import { askActor } from '../ask.js';
import type { ActorSystem } from '../runtime/types.js';
import { type HasherMessage, hasherRef } from './messages.js';

/** The full queue of the hasher, on a machine busy with other things. */
const TIMEOUT: Milliseconds = 15_000;
const GONE = 'passwords cannot be checked at the moment';

/** The hasher as every thread uses it. */
export function remoteHasher(system: ActorSystem): PasswordHasher {
  const ask = <Reply>(message: HasherMessage): Promise<Reply> =>
    askActor<Reply>(system, hasherRef, message, TIMEOUT, GONE);
  return {
    verify: (password, stored, stranger = false) =>
      ask<boolean>({ type: 'verify', password, stored, stranger }),
    hash: (password) => ask<string>({ type: 'hash', password }),
    score: (password, known) => ask<number>({ type: 'score', password, known }),
  };
}
