/** Whether codes can be sent where a user wants them. Spec 02 §8.1. */

import { AppError } from '../../errors.js';
import type { AccountsOptions } from './make-accounts.js';

/** Characters. */
const LONGEST_RECEIVER = 1024;
const RETRY_AFTER_SECONDS = 2;

/**
 * What is wrong with the receiver; `undefined` when nothing is. Rejects with `AppError` 5xx when the service cannot
 * say, 429 while it is being asked about this user already.
 */
export type ReceiverCheck = (username: string, receiver: string) => Promise<string | undefined>;

export function makeReceiverCheck(options: Pick<AccountsOptions, 'checkReceiver'>): ReceiverCheck {
  /** With a slow service, one user could otherwise take all places where changes may wait. */
  const asked = new Set<string>();

  return async (username, receiver) => {
    if ([...receiver].length > LONGEST_RECEIVER) return 'the receiver is too long';
    const { checkReceiver } = options;
    if (checkReceiver === null) return undefined;
    if (asked.has(username)) {
      throw new AppError('too_many_requests', { retryAfterSeconds: RETRY_AFTER_SECONDS });
    }
    asked.add(username);
    try {
      await checkReceiver(receiver);
      return undefined;
    } catch (error) {
      // A service that is down, or has too much to do, says nothing about the receiver.
      if (error instanceof AppError && error.status >= 500) throw error;
      return error instanceof AppError ? error.title : (error as Error).message;
    } finally {
      asked.delete(username);
    }
  };
}
