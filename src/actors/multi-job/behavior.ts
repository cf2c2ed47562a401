/**
 * One multi-job while it has something to wait for: starts its jobs on their clients, one after the other or all at
 * once, and passes on what comes of them. Lives in the thread that was asked for it. Spec 04 §10.
 */

import type { JobEvents } from '../../events/job-events.js';
import type { ClientId, JobId } from '../../ids.js';
import type { JobOrder, JobStatus } from '../../jobs/job.js';
import type { MultiJob } from '../../jobs/multi-job.js';
import type { Target } from '../../jobs/targets.js';
import type { Logger } from '../../logging/logger.js';
import type { Store } from '../../store/store.js';
import type { Milliseconds } from '../../time.js';
import { clientRef } from '../client/messages.js';
import type { OutputMessage } from '../job/state.js';
import type { ActorContext, Behavior } from '../runtime/types.js';
import { MULTI_JOB_KIND, type MultiJobMessage } from './messages.js';
import type { OutputQueue } from './output-queue.js';
import { type Started, startChild } from './start-child.js';

export interface MultiJobArgs {
  readonly store: Pick<Store, 'jobs'>;
  readonly events: JobEvents;
  readonly log: Pick<Logger, 'error' | 'debug'>;
  readonly newId: () => string;
  readonly multiJob: MultiJob;
  readonly targets: readonly Target[];
  /** Who listens to the output; `null` when nobody does. */
  readonly output: OutputQueue | null;
}

type OwnMessage =
  | { readonly type: 'go' }
  | { readonly type: 'more' }
  | { readonly type: 'started'; readonly started: Started }
  | { readonly type: 'overdue'; readonly jid: JobId };
type Message = MultiJobMessage | OwnMessage;
type Context = ActorContext<Message>;

interface State extends MultiJobArgs {
  /** Index of the next target. */
  next: number;
  /** Starts that have no answer yet and are young enough to count. */
  starting: number;
  /** Starts without an answer. */
  unanswered: number;
  /** Children that run, as far as it matters here. */
  readonly running: Map<JobId, JobOrder>;
  /** Children that ended before the answer to their start was handled. */
  readonly endedEarly: Map<JobId, JobStatus>;
  /** Children whose output comes here. */
  readonly streamed: Map<JobId, ClientId>;
  /** Children whose end the listener was told. */
  readonly finals: Set<JobId>;
  /** Others have their turn before the next start. */
  pausing: boolean;
  /** Stopped by an error, or not wanted any more; no further child is started. */
  aborted: boolean;
}

/**
 * Starts on their way at the same time, some KiB each. An answer takes a round trip to the client and a commit, so fewer
 * would make a fleet wait for one commit after the other. A client that is slow to answer gives up its place soon, so
 * that it holds up nobody.
 */
const MOST_STARTING = 5_000;
/** Starts before others of this thread have their turn: some milliseconds. */
const STARTS_PER_TURN = 250;
const SLOW_START: Milliseconds = 250;
/**
 * Beyond the time-out and grace of a job, after which it is ended by others (`job-guard`): only for jobs that nobody can
 * end because they were removed with their client.
 */
const OVERDUE_GRACE: Milliseconds = 60_000;
const LONGEST_TIMER: Milliseconds = 2 ** 50;

export const multiJobBehavior: Behavior<Message, State, MultiJobArgs> = {
  kind: MULTI_JOB_KIND,
  // What waits is bounded by the windows of the streams and by the number of targets.
  mailboxLimit: 1_000_000,

  preStart(ctx, args) {
    ctx.tell(ctx.self, { type: 'go' });
    return {
      ...args,
      next: 0,
      starting: 0,
      unanswered: 0,
      running: new Map(),
      endedEarly: new Map(),
      streamed: new Map(),
      finals: new Set(),
      pausing: false,
      aborted: false,
    };
  },

  receive(ctx, state, message) {
    switch (message.type) {
      case 'go':
        if (state.starting > 0) state.starting -= 1;
        startMore(ctx, state);
        break;
      case 'more':
        state.pausing = false;
        startMore(ctx, state);
        break;
      case 'started':
        childStarted(ctx, state, message.started);
        break;
      case 'partial':
        partial(ctx, state, message);
        return;
      case 'final':
        deliverFinal(state, message.jid, message.body);
        return;
      case 'ended':
        if (!message.reported) deliverFinal(state, message.jid, null);
        childEnded(ctx, state, message.jid, message.status);
        break;
      case 'abandoned':
        state.aborted = true;
        break;
      case 'overdue':
        if (state.running.has(message.jid)) {
          deliverFinal(state, message.jid, null);
          childEnded(ctx, state, message.jid, 'unknown');
        }
        break;
    }
    if (isDone(state)) ctx.stopSelf();
  },

  postStop(ctx, state) {
    // Also of those that have ended: the last of their output may be on its way.
    for (const [jid, clientId] of state.streamed) {
      const message: OutputMessage = { type: 'output-released', jid };
      ctx.system.tell(clientRef(clientId), message, 'system');
    }
    state.output?.end();
  },
};

function startMore(ctx: Context, state: State): void {
  const { multiJob, targets } = state;
  const most = multiJob.concurrent ? MOST_STARTING : 1;
  if (state.pausing) return;
  let begun = 0;
  while (!state.aborted && state.next < targets.length && state.starting < most) {
    if (!multiJob.concurrent && (state.unanswered > 0 || state.running.size > 0)) return;
    if (begun++ === STARTS_PER_TURN) {
      state.pausing = true;
      ctx.pipeToSelf(new Promise(setImmediate), () => ({ type: 'more' }));
      return;
    }
    const target = targets[state.next++];
    if (target === undefined) return;
    state.starting += 1;
    state.unanswered += 1;
    const started = startChild(ctx.system, state, target);
    ctx.pipeToSelf(slow(ctx, started), () => ({ type: 'go' }));
    ctx.pipeToSelf(started, (outcome) =>
      outcome.ok
        ? { type: 'started', started: outcome.value }
        : { type: 'started', started: { order: null, error: outcome.error.message, connected: true } },
    );
  }
}

/** Resolves with the start, or when it takes long. */
function slow(ctx: Context, started: Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const timer = ctx.clock.after(SLOW_START, resolve);
    const done = (): void => {
      timer.cancel();
      resolve();
    };
    started.then(done, done);
  });
}

function childStarted(ctx: Context, state: State, { order, error, connected, final }: Started): void {
  state.unanswered -= 1;
  if (error !== null) {
    if (order !== null) deliverFinal(state, order.jid, final ?? null);
    if (!state.multiJob.concurrent) {
      // A client that is not there aborts nothing. Spec 04 §10.3.
      if (state.multiJob.abortOnError && connected) state.aborted = true;
      startMore(ctx, state);
    }
    return;
  }
  if (order === null) return;
  if (state.output !== null) state.streamed.set(order.jid, order.clientId);
  const early = state.endedEarly.get(order.jid);
  state.endedEarly.delete(order.jid);
  if (early !== undefined) {
    afterEnd(ctx, state, early);
    return;
  }
  // Without a listener nobody waits for the children of a concurrent one.
  if (state.multiJob.concurrent && state.output === null) return;
  state.running.set(order.jid, order);
  const due = order.timeoutSec * 1000 + OVERDUE_GRACE;
  ctx.schedule(Math.min(due, LONGEST_TIMER), { type: 'overdue', jid: order.jid });
}

function childEnded(ctx: Context, state: State, jid: JobId, status: JobStatus): void {
  if (state.running.delete(jid)) afterEnd(ctx, state, status);
  else if (state.unanswered > 0) state.endedEarly.set(jid, status);
}

function afterEnd(ctx: Context, state: State, status: JobStatus): void {
  if (state.multiJob.concurrent) return;
  if (status === 'failed' && state.multiJob.abortOnError) state.aborted = true;
  startMore(ctx, state);
}

/** One for each child: what comes after it, such as a result that was given up, is stored only. */
function deliverFinal(state: State, jid: JobId, body: Uint8Array | string | null): void {
  if (state.output === null || state.finals.has(jid)) return;
  state.finals.add(jid);
  state.output.final(jid, body);
}

function partial(ctx: Context, state: State, event: Extract<MultiJobMessage, { type: 'partial' }>): void {
  if (state.output !== null) {
    state.output.partial(event);
    return;
  }
  const { jid, clientId, stream, bytes } = event;
  const taken: OutputMessage = { type: 'output-taken', jid, stream, bytes };
  ctx.system.tell(clientRef(clientId), taken, 'system');
}

const isDone = (state: State): boolean =>
  (state.aborted || state.next >= state.targets.length) && state.unanswered === 0 && state.running.size === 0;
