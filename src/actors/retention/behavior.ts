/**
 * Removes what is kept too long: obsolete clients, old measurements, expired API sessions, old jobs. One actor, on main.
 * Spec 01 §12.4, 06 §2.3, 02 §6.5, 04 §18.3.
 */

import type { Config } from '../../config/types.js';
import type { Logger } from '../../logging/logger.js';
import type { Store } from '../../store/store.js';
import type { Milliseconds } from '../../time.js';
import { REGISTRAR, type RegistrarMessage } from '../registrar/messages.js';
import type { ActorContext, ActorRef, ActorSystem, Behavior } from '../runtime/types.js';

export interface RetentionDeps {
  /** Read again before every run. */
  readonly config: Pick<Config, 'server' | 'monitoring'>;
  readonly store: Pick<Store, 'sessions' | 'measurements' | 'jobs'>;
  readonly log: Pick<Logger, 'error' | 'info' | 'debug'>;
}

export const RETENTION: ActorRef = { kind: 'retention', id: 'main' };

const MEASUREMENTS_EVERY: Milliseconds = 120_000;
const SESSIONS_EVERY: Milliseconds = 3_600_000;
const JOBS_EVERY: Milliseconds = 3_600_000;
/** A multi-job has its first job within seconds, unless the server ended just then. */
const EMPTY_MULTI_JOBS_KEPT: Milliseconds = 24 * 3_600_000;
/** Obsolete clients removed per request to the registrar, which serves others in between. */
const PURGE_BATCH = 500;
/** A batch is some thousand deletions and one flush. */
const PURGE_TIMEOUT: Milliseconds = 60_000;
/** An interval of 0 would spin. */
const SHORTEST_INTERVAL: Milliseconds = 1_000;

type Task = 'clients' | 'measurements' | 'sessions' | 'jobs';
type Message =
  | { readonly type: 'due'; readonly task: Task }
  | { readonly type: 'done'; readonly task: Task; readonly removed: number; readonly error: Error | null };

interface State {
  readonly deps: RetentionDeps;
  /** Tasks under way. */
  readonly running: Map<Task, Promise<number>>;
}

/** After the registrar. */
export function spawnRetention(system: ActorSystem, deps: RetentionDeps): ActorRef {
  return system.spawn(retentionBehavior, RETENTION.id, deps);
}

const retentionBehavior: Behavior<Message, State, RetentionDeps> = {
  kind: RETENTION.kind,

  preStart(ctx, deps) {
    for (const task of ['clients', 'measurements', 'sessions', 'jobs'] as const) again(ctx, deps, task);
    return { deps, running: new Map() };
  },

  receive(ctx, { deps, running }, message) {
    const { task } = message;
    if (message.type === 'due') {
      if (!isOn(deps, task)) {
        again(ctx, deps, task);
        return;
      }
      const operation = run(ctx, deps, task);
      running.set(task, operation);
      ctx.pipeToSelf(operation, (outcome) => ({
        type: 'done',
        task,
        removed: outcome.ok ? outcome.value : 0,
        error: outcome.ok ? null : outcome.error,
      }));
      return;
    }
    running.delete(task);
    if (message.error !== null) deps.log.error(`removing old ${task} failed: ${message.error.message}`);
    else if (message.removed > 0) deps.log.info(`removed ${message.removed} old ${task}`);
    // Only now, so that a slow run is never overtaken by the next.
    again(ctx, deps, task);
  },

  // The store is closed after the actors: nobody may be reading it then.
  async postStop(_ctx, { running }) {
    await Promise.allSettled(running.values());
  },
};

function again(ctx: ActorContext<Message>, deps: RetentionDeps, task: Task): void {
  ctx.schedule(interval(deps, task), { type: 'due', task });
}

function isOn({ config }: RetentionDeps, task: Task): boolean {
  switch (task) {
    case 'clients':
      return config.server.purgeDisconnectedClients;
    case 'measurements':
      // Without monitoring nothing is written, and what there is stays (spec 06 §2.3).
      return config.monitoring.enabled;
    case 'sessions':
    case 'jobs':
      return true;
  }
}

function interval({ config }: RetentionDeps, task: Task): Milliseconds {
  switch (task) {
    case 'clients':
      return Math.max(config.server.purgeDisconnectedClientsInterval, SHORTEST_INTERVAL);
    case 'measurements':
      return MEASUREMENTS_EVERY;
    case 'sessions':
      return SESSIONS_EVERY;
    case 'jobs':
      return JOBS_EVERY;
  }
}

/** Resolves with the number of things removed. */
function run(ctx: ActorContext<Message>, deps: RetentionDeps, task: Task): Promise<number> {
  const now = ctx.clock.now();
  switch (task) {
    case 'clients':
      return purgeClients(ctx);
    case 'measurements':
      return deps.store.measurements.removeBefore(now - deps.config.monitoring.dataStorageDuration);
    case 'sessions':
      return deps.store.sessions.removeExpired(now);
    case 'jobs':
      return deps.store.jobs.prune(deps.config.server.jobsMaxResults, now - EMPTY_MULTI_JOBS_KEPT);
  }
}

async function purgeClients(ctx: ActorContext<Message>): Promise<number> {
  const message: RegistrarMessage = { type: 'purge', limit: PURGE_BATCH };
  let removed = 0;
  for (;;) {
    const batch = await ctx.ask<number>(REGISTRAR, message, { timeoutMs: PURGE_TIMEOUT });
    removed += batch;
    if (batch < PURGE_BATCH) return removed;
  }
}
