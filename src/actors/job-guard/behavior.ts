/**
 * Ends jobs whose result never came: the client vanished, or the server was not there to hear it. One actor, on main.
 * It goes by the store, so jobs that ran when the server ended are no different. Spec 04 §10.3 and §11.8.
 */

import type { JobEvents } from '../../events/job-events.js';
import type { Logger } from '../../logging/logger.js';
import type { Store } from '../../store/store.js';
import type { Milliseconds } from '../../time.js';
import { type MultiJobMessage, multiJobRef } from '../multi-job/messages.js';
import type { ActorContext, ActorRef, ActorSystem, Behavior } from '../runtime/types.js';

export interface JobGuardDeps {
  readonly store: Pick<Store, 'jobs'>;
  readonly events: JobEvents;
  readonly log: Pick<Logger, 'error' | 'info'>;
}

const JOB_GUARD: ActorRef = { kind: 'job-guard', id: 'main' };
/** A look that finds nothing is one seek in an index. */
const EVERY: Milliseconds = 1_000;
/** Jobs ended in one transaction. */
const BATCH = 250;

type Message =
  | { readonly type: 'look' }
  | { readonly type: 'looked'; readonly error: Error | null; readonly more: boolean };

interface State extends JobGuardDeps {
  looking: Promise<unknown>;
}

export function spawnJobGuard(system: ActorSystem, deps: JobGuardDeps): ActorRef {
  return system.spawn(jobGuardBehavior, JOB_GUARD.id, deps);
}

const jobGuardBehavior: Behavior<Message, State, JobGuardDeps> = {
  kind: JOB_GUARD.kind,

  preStart(ctx, deps) {
    ctx.schedule(0, { type: 'look' });
    return { ...deps, looking: Promise.resolve() };
  },

  receive(ctx, state, message) {
    if (message.type === 'look') {
      const looking = look(ctx, state);
      state.looking = looking.catch(() => undefined);
      ctx.pipeToSelf(looking, (outcome) => ({
        type: 'looked',
        error: outcome.ok ? null : outcome.error,
        more: outcome.ok && outcome.value === BATCH,
      }));
      return;
    }
    if (message.error !== null) state.log.error(`ending lost jobs failed: ${message.error.message}`);
    ctx.schedule(message.more ? 0 : EVERY, { type: 'look' });
  },

  // The store is closed after the actors: nobody may be writing then.
  async postStop(_ctx, { looking }) {
    await looking;
  },
};

/** Resolves with the number of jobs ended. */
async function look(ctx: ActorContext<Message>, { store, events, log }: State): Promise<number> {
  const ended = await events.telling((watcher) => store.jobs.expire(ctx.clock.now(), BATCH, watcher));
  for (const { jid, clientId, multiJobId, status } of ended) {
    if (multiJobId === null) continue;
    const message: MultiJobMessage = { type: 'ended', jid, clientId, status, reported: false };
    if (ctx.system.locate(multiJobRef(multiJobId)) !== undefined) {
      ctx.system.tell(multiJobRef(multiJobId), message);
    }
  }
  if (ended.length > 0) log.info(`${ended.length} jobs ended without a result of their clients`);
  return ended.length;
}
