/** Messages of the `second-factor` actor: one, on main, with everything that waits for a second step. */

import type { ChallengeAnswer, NewChallenge } from '../../auth/second-factor/challenges.js';
import type { ActorRef } from '../runtime/types.js';

export const secondFactorRef: ActorRef = { kind: 'second-factor', id: 'main' };

/** All are refused with the `AppError`s of `Challenges`. */
export type SecondFactorMessage =
  /** Reply: nothing. */
  | { readonly type: 'admit'; readonly username: string; readonly ip: string }
  /** Reply: nothing. */
  | { readonly type: 'open'; readonly challenge: NewChallenge }
  /** Reply: `{ newPasswordHash }`. */
  | { readonly type: 'complete'; readonly answer: ChallengeAnswer };
