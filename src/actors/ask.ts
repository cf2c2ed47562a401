/** Asking an actor from domain and API code: runtime errors become `AppError`s. */

import { AppError, AppErrorList, type ErrorPayload } from '../errors.js';
import type { Milliseconds } from '../time.js';
import { ActorError, type ActorRef, type ActorSystem, type Sender } from './runtime/types.js';

/**
 * Sends `message` and waits for the reply.
 * Throws the `AppError` the actor refused with; `not_found` with `missingTitle` when there is no such actor or
 * it stopped; `overloaded` (503), `timeout` (503) or `internal` otherwise.
 */
export async function askActor<Reply>(
  system: ActorSystem,
  ref: ActorRef,
  message: unknown,
  timeoutMs: Milliseconds,
  missingTitle: string,
): Promise<Reply> {
  try {
    return await system.ask<Reply>(ref, message, { timeoutMs });
  } catch (error) {
    throw fromActorError(error, missingTitle);
  }
}

/** Refuses an ask with an `AppError` or `AppErrorList` the asker gets back as one. */
export function refuse(sender: Sender, error: unknown): void {
  if (error instanceof AppErrorList) {
    const payloads: readonly ErrorPayload[] = error.errors.map((one) => one.toPayload());
    sender.refuse(error.message, payloads);
    return;
  }
  const known = error instanceof AppError ? error : new AppError('internal', { cause: error, detail: '' });
  sender.refuse(known.title, known.toPayload());
}

function fromActorError(error: unknown, missingTitle: string): unknown {
  if (!(error instanceof ActorError)) return error;
  switch (error.code) {
    case 'refused':
      return fromPayload(error.data as ErrorPayload | readonly ErrorPayload[]);
    case 'no_such_actor':
    case 'stopped':
    case 'stale_epoch':
      return new AppError('not_found', { title: missingTitle });
    case 'overloaded':
      return new AppError('overloaded', { cause: error });
    case 'timeout':
      return new AppError('timeout', { cause: error });
    case 'crashed':
      return new AppError('internal', { cause: error });
  }
}

function fromPayload(data: ErrorPayload | readonly ErrorPayload[]): AppError | AppErrorList {
  if (!Array.isArray(data)) return AppError.fromPayload(data as ErrorPayload);
  const [first = new AppError('internal'), ...others] = data.map((one) => AppError.fromPayload(one));
  return new AppErrorList([first, ...others]);
}
