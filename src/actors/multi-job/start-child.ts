/** One job of a multi-job: sent to its client, or stored as failed. Spec 04 §10.2. */

import { AppError, type ErrorPayload } from '../../errors.js';
import { jobId } from '../../ids.js';
import type { JobOrder } from '../../jobs/job.js';
import { madeJobJson } from '../../jobs/job-json.js';
import type { Target } from '../../jobs/targets.js';
import type { ClientMessage } from '../client/messages.js';
import { clientRef } from '../client/messages.js';
import { outputWindow } from '../job/output-window.js';
import { failedProgress, START_GRACE, START_TIMEOUT, TRANSPORT_TITLE } from '../job/run.js';
import { ActorError, type ActorSystem } from '../runtime/types.js';
import type { MultiJobArgs } from './behavior.js';

export interface Started {
  /** `null` when not even that could be made. */
  readonly order: JobOrder | null;
  /** Why it did not start; `null` when it runs. */
  readonly error: string | null;
  /** The client was there. */
  readonly connected: boolean;
  /** What a listener is told when it did not start. */
  readonly final?: string;
}

/** Resolves when the child is stored, whatever became of it. */
export async function startChild(
  system: ActorSystem,
  { multiJob, targets, newId, output, store, events, log }: MultiJobArgs,
  { id, name }: Target,
): Promise<Started> {
  const { command, cwd, interpreter, createdBy, timeoutSec, scheduleId, isSudo, isScript } = multiJob;
  const order: JobOrder = {
    jid: jobId(newId()),
    clientId: id,
    clientName: name,
    command,
    cwd,
    interpreter,
    createdBy,
    timeoutSec,
    multiJobId: multiJob.jid,
    scheduleId,
    isSudo,
    isScript,
    stream: output !== null,
  };
  const message: ClientMessage = {
    type: 'run-job',
    order,
    durable: false,
    ...(output !== null && { outputWindow: outputWindow(multiJob.concurrent ? targets.length : 1) }),
  };
  try {
    await system.ask(clientRef(id), message, { timeoutMs: START_TIMEOUT + START_GRACE });
    return { order, error: null, connected: true };
  } catch (error) {
    const text = failureText(error);
    const progress = failedProgress(system.clock.now(), text);
    await events
      .telling((watcher) => store.jobs.create({ order, progress, deadline: 0 }, watcher))
      .catch((reason: Error) => log.error(`job ${order.jid} on client ${id}: ${reason.message}`));
    const final = `${madeJobJson(order, progress, null)}\n`;
    return { order, error: text, connected: text !== NOT_CONNECTED, final };
  }
}

const NOT_CONNECTED = 'client is not connected';

/** What the child says. Spec 04 §10.2. */
function failureText(error: unknown): string {
  if (!(error instanceof ActorError)) return error instanceof Error ? error.message : String(error);
  switch (error.code) {
    case 'no_such_actor':
    case 'stale_epoch':
      return NOT_CONNECTED;
    case 'stopped':
      return 'failed to send request: EOF';
    case 'timeout':
      return 'failed to send request: the client did not answer in time';
    case 'overloaded':
    case 'crashed':
      return new AppError(error.code === 'overloaded' ? 'overloaded' : 'internal').title;
    case 'refused': {
      const { code, title, detail } = error.data as ErrorPayload;
      // The actor is there, but its agent has not been accepted yet.
      if (code === 'not_found') return NOT_CONNECTED;
      return title === TRANSPORT_TITLE ? detail : [title, detail].filter((text) => text !== '').join(' ');
    }
  }
}
