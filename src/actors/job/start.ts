/** One job for one client, for the API. Spec 04 §7. */

import { AppError, type ErrorPayload } from '../../errors.js';
import { goQuote } from '../../go/quote.js';
import type { JobOrder } from '../../jobs/job.js';
import { type ClientMessage, clientRef } from '../client/messages.js';
import { ActorError, type ActorSystem } from '../runtime/types.js';
import { START_GRACE, START_TIMEOUT, transportFailure } from './run.js';

/**
 * Resolves when the client has started it and that is on disk. Throws `AppError`: 404 when the client is not connected,
 * 409 with what it refuses, 500 when it could not be reached or the job not be stored.
 */
export async function startJob(system: ActorSystem, order: JobOrder): Promise<void> {
  const message: ClientMessage = { type: 'run-job', order, durable: true };
  try {
    await system.ask(clientRef(order.clientId), message, { timeoutMs: START_TIMEOUT + START_GRACE });
  } catch (error) {
    throw failure(error, order);
  }
}

/** What callers are told about a client that is not there. */
export const notActive = (clientId: string): AppError =>
  new AppError('not_found', { title: `Active client with id=${goQuote(clientId)} not found.` });

function failure(error: unknown, { clientId }: JobOrder): unknown {
  if (!(error instanceof ActorError)) return error;
  switch (error.code) {
    case 'no_such_actor':
    case 'stale_epoch':
      return notActive(clientId);
    case 'refused': {
      const refusal = AppError.fromPayload(error.data as ErrorPayload);
      return refusal.code === 'not_found' ? notActive(clientId) : refusal;
    }
    case 'stopped':
      return transportFailure('EOF');
    case 'timeout':
      return transportFailure('the client did not answer in time');
    case 'overloaded':
      return new AppError('overloaded', { cause: error });
    case 'crashed':
      return new AppError('internal', { cause: error });
  }
}
