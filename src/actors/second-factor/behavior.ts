/** Keeps the challenges of all threads, so that a login may begin in one shard and end in another. */

import type { ChallengeAnswer } from '../../auth/second-factor/challenges.js';
import { PendingChallenges } from '../../auth/second-factor/pending-challenges.js';
import type { TotpUseRepository } from '../../store/totp-uses.js';
import type { Milliseconds } from '../../time.js';
import { refuse } from '../ask.js';
import type { ActorRef, ActorSystem, Behavior } from '../runtime/types.js';
import { type SecondFactorMessage, secondFactorRef } from './messages.js';

export interface SecondFactorArgs {
  /** Codes of authenticator apps that were used: also a restart must not make them good again. */
  readonly uses: TotpUseRepository;
}

interface State extends SecondFactorArgs {
  readonly challenges: PendingChallenges;
}

export const secondFactorBehavior: Behavior<SecondFactorMessage, State, SecondFactorArgs> = {
  kind: secondFactorRef.kind,
  preStart: (_ctx, { uses }) => ({ uses, challenges: new PendingChallenges(uses) }),
  receive({ clock }, { uses, challenges }, message, sender) {
    const now = clock.now();
    try {
      switch (message.type) {
        case 'admit':
          challenges.admit(message, now);
          return sender.reply();
        case 'open':
          challenges.open(message.challenge, now);
          return sender.reply();
        case 'complete': {
          const completed = challenges.complete(message.answer, now);
          noteUse(uses, message.answer, now).then(
            () => sender.reply(completed),
            (error) => refuse(sender, error),
          );
          return;
        }
      }
    } catch (error) {
      refuse(sender, error);
    }
  },
};

/** Resolves when the use of a code would survive a power loss. */
async function noteUse(
  uses: TotpUseRepository,
  { proof }: ChallengeAnswer,
  now: Milliseconds,
): Promise<void> {
  if (proof.kind !== 'totp' || proof.use === null) return;
  await uses.put(proof.use, now);
}

/** Starts the actor; main does it once, before the shards start. */
export function spawnSecondFactor(system: ActorSystem, args: SecondFactorArgs): ActorRef {
  return system.spawn(secondFactorBehavior, secondFactorRef.id, args, { epoch: 1 });
}
