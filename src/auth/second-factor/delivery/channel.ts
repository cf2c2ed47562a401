/** One way to send a code. Spec 02 §8.1. */

import { toUSVString } from 'node:util';
import type { CodeDelivery, CodeMessage } from '../second-factor.js';

/**
 * What a way of delivery does, without the time-out that all of them have: the signal ends it. Texts of errors are
 * causes, which may be shown to whoever logs in; they hold no secret of the configuration.
 */
export interface Channel {
  readonly method: CodeDelivery['method'];
  /** Rejects with `AppError` or `Error`. */
  send(message: CodeMessage, signal: AbortSignal): Promise<void>;
  /** Whether `receiver` can be one. Rejects with `Error`. */
  checkReceiver(receiver: string, signal: AbortSignal): Promise<void>;
  /** Whether the service answers and takes the configured credentials. Rejects with `Error`. */
  checkReady(signal: AbortSignal): Promise<void>;
}

/** Above the titles of the mails and messages. */
export const TITLE = '🔐 Two-Factor Token';

/** A hostile header as one short line. */
export function oneLine(text: string, most: number): string {
  const plain = toUSVString(text).replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ');
  return [...plain].slice(0, most).join('').trim();
}

/** Causes that come from elsewhere are cut to this length. */
const LONGEST_CAUSE = 1024;

/** The text of a failure. What `fetch` throws says nothing itself, but has a cause. */
export function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return oneLine(String(error), LONGEST_CAUSE);
  // One address after the other has failed.
  const inner = error instanceof AggregateError ? error.errors[0] : error.cause;
  const silent = error.message === '' || error.message === 'fetch failed';
  return silent && inner instanceof Error ? causeOf(inner) : oneLine(error.message, LONGEST_CAUSE);
}
