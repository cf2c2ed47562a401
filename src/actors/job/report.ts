/** `cmd_result`: how a job has ended. Spec 04 §11.4 and §11.5. */

import { atOnce, Turns } from '../../clients/in-turns.js';
import type { JobReport, JobRow } from '../../jobs/job.js';
import { decodeReport } from '../../jobs/report/decode-report.js';
import { LARGEST_SMALL_REPORT } from '../../jobs/report/decode-small-report.js';
import { ReportError } from '../../jobs/report/report-error.js';
import type { DecodedReport } from '../../jobs/report/report-fields.js';
import { instant } from '../../time.js';
import type { ClientContext, ClientState } from '../client/state.js';
import { type MultiJobMessage, multiJobRef } from '../multi-job/messages.js';
import { deadlineOf, dropWhenDone } from './run.js';
import type { JobMessage } from './state.js';

/** Of results that are being read or stored, for one client. An honest one has a few at the same time. */
const MOST_PENDING_BYTES = 96 * 1024 * 1024;

/** Takes the result of a job that is known to run on this client. Anything else is logged and dropped. */
export function commandResult(ctx: ClientContext, state: ClientState, payload: Buffer): void {
  const { jobs, deps, id } = state;
  if (jobs.pendingBytes + payload.length > MOST_PENDING_BYTES) {
    deps.log.error(`client ${id} sends results faster than they can be stored, closing its connection`);
    ctx.stopSelf();
    return;
  }
  jobs.pendingBytes += payload.length;
  const saved = read(ctx, state, payload).then((row) => {
    // Also when the connection ends meanwhile.
    if (row !== null) announceEnd(ctx, state, row);
    return row;
  });
  jobs.saves.add(saved);
  ctx.pipeToSelf(saved, (outcome) => ({ type: 'job-reported', outcome, bytes: payload.length }));
}

export function jobReported(
  state: ClientState,
  { outcome, bytes }: Extract<JobMessage, { type: 'job-reported' }>,
): void {
  const { deps, id } = state;
  state.jobs.pendingBytes -= bytes;
  if (!outcome.ok) {
    const { error } = outcome;
    if (error instanceof ReportError) deps.log.info(`client ${id}: cmd_result dropped: ${error.message}`);
    else deps.log.error(`client ${id}: a result could not be stored: ${error.message}`);
    return;
  }
  if (outcome.value !== null) dropWhenDone(state, outcome.value.jid);
}

/** It is stored: whoever waits for it may go on. */
function announceEnd(ctx: ClientContext, { deps, jobs }: ClientState, row: JobRow): void {
  deps.jobAudit.done(row, deps.store.jobs, jobs.hostname);
  if (row.multiJobId === null) return;
  const multiJob = multiJobRef(row.multiJobId);
  if (ctx.system.locate(multiJob) === undefined) return;
  const message: MultiJobMessage = {
    type: 'ended',
    jid: row.jid,
    clientId: row.clientId,
    status: row.status,
    reported: true,
  };
  ctx.system.tell(multiJob, message);
}

function read(ctx: ClientContext, state: ClientState, payload: Buffer): Promise<JobRow | null> {
  const now = instant(ctx.clock.now());
  const { jobs } = state;
  const decoded = jobs.reading.then(() =>
    payload.length <= LARGEST_SMALL_REPORT
      ? atOnce(decodeReport(payload, now))
      : // In turns with everything else.
        new Turns().run(() => decodeReport(payload, now)),
  );
  const saved = decoded.then((report) => save(ctx, state, payload, report));
  jobs.reading = decoded.then(
    () => undefined,
    () => undefined,
  );
  return saved;
}

async function save(
  ctx: ClientContext,
  state: ClientState,
  payload: Buffer,
  { jid, report: said, startedAt }: DecodedReport,
): Promise<JobRow | null> {
  const { deps, id, jobs } = state;
  const active = jobs.active.get(jid);
  const row = active === undefined ? deps.store.jobs.get(jid) : undefined;
  const order = active?.order ?? row;
  if (order === undefined || order.clientId !== id) throw new ReportError(`job ${shown(jid)} is not on it`);
  if (row?.reported || active?.reported) throw new ReportError(`job ${jid} had ended before`);
  if (active !== undefined) active.reported = true;
  const now = ctx.clock.now();
  const report: JobReport = { ...said, startedAt: startedAt ?? row?.startedAt ?? instant(now) };
  // Listeners get what the agent sent, before anything can go wrong with storing it.
  if (order.stream && order.multiJobId !== null) {
    const multiJob = multiJobRef(order.multiJobId);
    if (ctx.system.locate(multiJob) !== undefined) {
      // A copy of its own: a view would take the whole packet along to another thread.
      const message: MultiJobMessage = { type: 'final', jid, clientId: id, body: new Uint8Array(payload) };
      ctx.system.tell(multiJob, message);
    }
  }
  const created =
    active === undefined
      ? null
      : {
          order: active.order,
          progress: {
            status: 'running' as const,
            finishedAt: null,
            pid: null,
            startedAt: report.startedAt,
            error: '',
          },
          deadline: deadlineOf(now, active.order.timeoutSec),
        };
  return deps.jobEvents.telling((watcher) => deps.store.jobs.report(jid, id, report, created, watcher));
}

const LONGEST_SHOWN = 64;
const shown = (jid: string): string => JSON.stringify(jid.slice(0, LONGEST_SHOWN));
