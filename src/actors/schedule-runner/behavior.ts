/**
 * Starts the schedules of which main says that they are due. In the shards, since they have the index of clients and the
 * users, and so that many at once are spread over all of them.
 */

import type { ActorRef, ActorSystem, Behavior } from '../runtime/types.js';
import { schedulerRef } from '../scheduler/messages.js';
import { type RunMessage, runnerRef, SCHEDULE_RUNNER } from './messages.js';
import { type RunDeps, runSchedule } from './run.js';

const scheduleRunnerBehavior: Behavior<RunMessage, RunDeps, RunDeps> = {
  kind: SCHEDULE_RUNNER,
  preStart: (_ctx, deps) => deps,
  receive({ system }, deps, message, sender) {
    runSchedule(system, deps, message).then(
      (outcome) => sender.reply(outcome),
      (error: Error) => sender.refuse(error.message),
    );
  },
};

/** Once per shard, when its API is there. Tells main that it is ready. */
export function spawnScheduleRunner(system: ActorSystem, deps: RunDeps): ActorRef {
  const runner = runnerRef(system);
  system.spawn(scheduleRunnerBehavior, runner.id, deps, { epoch: 1 });
  system.tell(schedulerRef, { type: 'runner', runner });
  return runner;
}
