/** Lets every thread hash passwords in the one task pool, with a bound on what may wait. */

import type { PasswordHasher } from '../../auth/passwords/hasher.js';
import { AppError } from '../../errors.js';
import { refuse } from '../ask.js';
import type { ActorRef, ActorSystem, Behavior } from '../runtime/types.js';
import { type HasherMessage, hasherRef } from './messages.js';

/** At ~25 ms a hash and one pool thread the last one waits some 1.6 s; a caller would not wait much longer. */
const WAITING_LIMIT = 64;
const RETRY_AFTER_SECONDS = 2;

export interface HasherArgs {
  /** Runs in the task pool. */
  readonly tasks: PasswordHasher;
}

interface State {
  readonly tasks: PasswordHasher;
  waiting: number;
}

export const hasherBehavior: Behavior<HasherMessage, State, HasherArgs> = {
  kind: hasherRef.kind,
  preStart: (_ctx, { tasks }) => ({ tasks, waiting: 0 }),
  receive(_ctx, state, message, sender) {
    if (state.waiting >= WAITING_LIMIT) {
      refuse(sender, new AppError('too_many_requests', { retryAfterSeconds: RETRY_AFTER_SECONDS }));
      return;
    }
    state.waiting += 1;
    run(state.tasks, message)
      .finally(() => {
        state.waiting -= 1;
      })
      .then(
        (value) => sender.reply(value),
        (error) => refuse(sender, error),
      );
  },
};

function run(tasks: PasswordHasher, message: HasherMessage): Promise<boolean | string | number> {
  switch (message.type) {
    case 'verify':
      return tasks.verify(message.password, message.stored);
    case 'hash':
      return tasks.hash(message.password);
    case 'score':
      return tasks.score(message.password, message.known);
  }
}

/** Starts the hasher; main does it once, before the shards start. */
export function spawnHasher(system: ActorSystem, tasks: PasswordHasher): ActorRef {
  return system.spawn(hasherBehavior, hasherRef.id, { tasks }, { epoch: 1 });
}
