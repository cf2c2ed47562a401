/** Sending a job to its client: `run_cmd`, the reply, the stored row. Spec 04 §7 and §11.1. */

import { AppError } from '../../errors.js';
import type { JobId } from '../../ids.js';
import { type JobProgress, NEVER, REPORT_GRACE } from '../../jobs/job.js';
import { orderJson } from '../../jobs/job-json.js';
import { timeOrNull } from '../../jobs/report/report-fields.js';
import type { NewJob } from '../../store/jobs.js';
import { instant, type Milliseconds } from '../../time.js';
import { refuse } from '../ask.js';
import type { ClientRequests } from '../client/messages.js';
import type { ClientContext, ClientState } from '../client/state.js';
import type { Sender } from '../runtime/types.js';
import { OUTPUT_WINDOW } from './output-window.js';
import type { JobMessage } from './state.js';

/**
 * How long an agent may take to start a job. It answers requests one after another, so a download that was asked for
 * before counts too.
 */
export const START_TIMEOUT: Milliseconds = 60_000;
/** What an ask to the actor may take on top: storing the job. */
export const START_GRACE: Milliseconds = 20_000;
/** Jobs on one connection that are not stored yet or streamed; as many requests may wait there in all. */
const MOST_ACTIVE = 1_000;
/** Characters of an agent's refusal that are passed on. It may repeat the command. */
const LONGEST_REFUSAL = 16_384;

export const TRANSPORT_TITLE = 'Failed to execute remote command.';
const PERSIST_TITLE = 'Failed to persist a new job.';

/** Replies when the job is stored as running. Refuses with 409 what the agent refuses, with 500 what failed on the way. */
export function runJob(
  ctx: ClientContext,
  state: ClientState,
  { order, durable, outputWindow = OUTPUT_WINDOW }: ClientRequests['run-job']['request'],
  sender: Sender,
): void {
  const { active } = state.jobs;
  if (active.size >= MOST_ACTIVE) {
    refuse(sender, new AppError('overloaded'));
    return;
  }
  // Known before it is sent: its output, and even its end, may come before the reply.
  active.set(order.jid, { order, outputWindow, channels: new Map(), stored: false, reported: false });
  const sent = state.connection.session.request('run_cmd', orderJson(order), START_TIMEOUT);
  ctx.pipeToSelf(sent, (outcome) => ({ type: 'job-answered', jid: order.jid, durable, outcome, sender }));
}

export function jobAnswered(
  ctx: ClientContext,
  state: ClientState,
  message: Extract<JobMessage, { type: 'job-answered' }>,
): void {
  const { jid, durable, outcome, sender } = message;
  const { deps, jobs } = state;
  const job = jobs.active.get(jid);
  if (job === undefined) {
    refuse(sender, new AppError('internal'));
    return;
  }
  try {
    if (!outcome.ok) throw transportFailure(outcome.error.message);
    const { ok, payload } = outcome.value;
    if (!ok) throw refusedByClient(`client error: ${payload.toString('utf8').slice(0, LONGEST_REFUSAL)}`);
    const started = readReply(payload);
    const now = ctx.clock.now();
    const stored: NewJob = {
      order: job.order,
      progress: {
        status: 'running',
        finishedAt: null,
        pid: started.pid,
        startedAt: started.startedAt ?? instant(now),
        error: '',
      },
      deadline: deadlineOf(now, job.order.timeoutSec),
    };
    job.stored = true;
    const saving = deps.jobEvents.telling((watcher) => deps.store.jobs.create(stored, watcher));
    const saved = durable ? saving.then(() => deps.store.flushed()) : saving;
    // It runs: whoever asked is told so even when the connection ends meanwhile.
    const told = saved.then(
      () => sender.reply(null),
      (error: Error) => {
        deps.log.error(`job ${jid} on client ${state.id}: ${error.message}`);
        refuse(sender, new AppError('internal', { title: PERSIST_TITLE, detail: error.message }));
      },
    );
    jobs.saves.add(told);
    ctx.pipeToSelf(told, () => ({ type: 'job-stored', jid }));
  } catch (error) {
    forget(state, jid);
    refuse(sender, error);
  }
}

export function jobStored(state: ClientState, { jid }: Extract<JobMessage, { type: 'job-stored' }>): void {
  const { active } = state.jobs;
  if (active.get(jid)?.order.stream === true) dropWhenDone(state, jid);
  else active.delete(jid);
}

/** The job is not active any more: it was refused, or its end is stored and its channels are closed. */
export function dropWhenDone(state: ClientState, jid: JobId): void {
  const job = state.jobs.active.get(jid);
  if (job?.stored && job.reported && job.channels.size === 0) state.jobs.active.delete(jid);
}

function forget(state: ClientState, jid: JobId): void {
  for (const channel of state.jobs.active.get(jid)?.channels.values() ?? []) channel.release();
  state.jobs.active.delete(jid);
}

/** A job that did not start, before it is stored or shown. */
export const failedProgress = (now: Milliseconds, error: string): JobProgress => ({
  status: 'failed',
  finishedAt: instant(now),
  pid: null,
  startedAt: instant(now),
  error,
});

/** When a job that began now should have reported, in its own time or after a time-out. */
export const deadlineOf = (now: Milliseconds, timeoutSec: number): Milliseconds =>
  now + (timeoutSec + REPORT_GRACE) * 1000;

export const transportFailure = (text: string): AppError =>
  new AppError('internal', { title: TRANSPORT_TITLE, detail: `failed to send request: ${text}` });

const refusedByClient = (title: string): AppError => new AppError('conflict', { title });

/** `{"Pid":1,"StartedAt":"…"}`. Throws `AppError` 409. */
function readReply(payload: Buffer): { readonly pid: number; readonly startedAt: string | null } {
  const invalid = (reason: string): AppError =>
    refusedByClient(
      `invalid client response format: failed to decode response into *comm.RunCmdResponse: ${reason}`,
    );
  if (payload.length > LONGEST_REFUSAL) throw invalid('it is too long');
  let value: unknown;
  try {
    value = JSON.parse(payload.toString('utf8'));
  } catch (error) {
    throw invalid((error as Error).message);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid('not an object');
  const fields = new Map(Object.entries(value).map(([key, field]) => [key.toLowerCase(), field as unknown]));
  const pid = fields.get('pid') ?? 0;
  if (!Number.isSafeInteger(pid)) throw invalid('Pid is not an integer');
  const startedAt = fields.get('startedat');
  const time = typeof startedAt === 'string' ? timeOrNull(startedAt) : null;
  return { pid: pid as number, startedAt: time === NEVER ? null : time };
}
