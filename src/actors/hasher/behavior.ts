/** Lets every thread hash passwords in the one task pool, with a bound on what may wait. */

import type { PasswordHasher } from '../../auth/passwords/hasher.js';
import { AppError } from '../../errors.js';
import { refuse } from '../ask.js';
import type { ActorRef, ActorSystem, Behavior, Sender } from '../runtime/types.js';
import { type HasherMessage, hasherRef } from './messages.js';

/** In each line. At ~25 ms a hash and one pool thread the last one waits some 1.6 s; a caller would not wait longer. */
const WAITING_LIMIT = 60;
const RETRY_AFTER_SECONDS = 2;
/** Enough for every thread of the pool; what else waits does so here, where the order is ours. */
const AT_ONCE = 4;
/** Strangers come in turn, however many others there are. */
const STRANGER_EVERY = 4;

export interface HasherArgs {
  /** Runs in the task pool. */
  readonly tasks: PasswordHasher;
}

interface Waiting {
  readonly message: HasherMessage;
  readonly sender: Sender;
}

/**
 * Two lines, so that a flood of guesses, from however many addresses, keeps nobody out whose address or session
 * speaks for him.
 */
interface State extends HasherArgs {
  readonly known: Waiting[];
  readonly strangers: Waiting[];
  running: number;
  turn: number;
}

export const hasherBehavior: Behavior<HasherMessage, State, HasherArgs> = {
  kind: hasherRef.kind,
  preStart: (_ctx, { tasks }) => ({ tasks, known: [], strangers: [], running: 0, turn: 0 }),
  receive(_ctx, state, message, sender) {
    const line = message.type === 'verify' && message.stranger ? state.strangers : state.known;
    if (line.length >= WAITING_LIMIT) {
      refuse(sender, new AppError('too_many_requests', { retryAfterSeconds: RETRY_AFTER_SECONDS }));
      return;
    }
    line.push({ message, sender });
    runNext(state);
  },
};

function runNext(state: State): void {
  while (state.running < AT_ONCE) {
    const next = takeNext(state);
    if (next === undefined) return;
    const { message, sender } = next;
    state.running += 1;
    run(state.tasks, message)
      .finally(() => {
        state.running -= 1;
        runNext(state);
      })
      .then(
        (value) => sender.reply(value),
        (error) => refuse(sender, error),
      );
  }
}

function takeNext(state: State): Waiting | undefined {
  state.turn += 1;
  const [first, second] =
    state.turn % STRANGER_EVERY === 0 ? [state.strangers, state.known] : [state.known, state.strangers];
  return first.shift() ?? second.shift();
}

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
