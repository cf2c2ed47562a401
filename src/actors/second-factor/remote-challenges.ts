import type { Challenges, NewChallenge } from '../../auth/second-factor/challenges.js';
import type { Milliseconds } from '../../time.js';
import { askActor } from '../ask.js';
import type { ActorSystem } from '../runtime/types.js';
import { type SecondFactorMessage, secondFactorRef } from './messages.js';

/** Main answers in microseconds, or after one flush of the store, unless it is stuck. */
const TIMEOUT: Milliseconds = 10_000;
const GONE = 'second factors cannot be checked at the moment';

/** The challenges as every thread uses them. */
export function remoteChallenges(system: ActorSystem): Challenges {
  const ask = <Reply>(message: SecondFactorMessage): Promise<Reply> =>
    askActor<Reply>(system, secondFactorRef, message, TIMEOUT, GONE);
  return {
    admit: ({ username, ip }) => ask({ type: 'admit', username, ip }),
    open: (challenge) => ask({ type: 'open', challenge }),
    complete: (answer) => ask<Pick<NewChallenge, 'newPasswordHash'>>({ type: 'complete', answer }),
  };
}
