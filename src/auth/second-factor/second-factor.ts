/** The second step of a login: a code that was sent, or one of an authenticator app. Spec 02 §8 and §9. */

import type { Milliseconds } from '../../time.js';
import type { User } from '../users/provider.js';

export type DeliveryMethod = 'email' | 'pushover' | 'script' | 'url' | 'totp_authenticator_app';

/** What a client is told after the first step. */
export interface TwoFa {
  readonly sendTo: string;
  readonly deliveryMethod: DeliveryMethod;
  readonly totpKeyStatus: '' | 'pending' | 'exists';
}

/** A login whose first step was right. */
export interface FirstStep {
  readonly user: User;
  /** Of the limited token; the challenge is bound to it. */
  readonly sessionId: number;
  /** Applied when the second step is right, not before; `null` when no new password was given. */
  readonly newPasswordHash: string | null;
  readonly ip: string;
  readonly userAgent: string;
}

export interface SecondStep {
  /** Of the limited token, after its session was checked. */
  readonly username: string;
  readonly sessionId: number;
  /** As the body has them. */
  readonly givenUsername: string;
  readonly code: string;
  readonly ip: string;
}

/** What a right second step was waited for with. */
export interface Completed {
  readonly username: string;
  readonly newPasswordHash: string | null;
}

/** One per thread; what is pending is shared by all threads. */
export interface SecondFactor {
  readonly method: DeliveryMethod;
  /** How long the second step is waited for. */
  readonly ttl: Milliseconds;
  /** Sends the code where one is sent. Throws `AppError` 400, 500 (spec 02 §8.1), 429 after too many. */
  begin(step: FirstStep): Promise<TwoFa>;
  /**
   * Consumes the challenge when the code is right; ends it after too many wrong ones. Throws `AppError` 401, 409, 429
   * (spec 02 §8.2, §9.3); counts failures with the guard.
   */
  complete(step: SecondStep): Promise<Completed>;
}

/** How codes reach their receiver. Spec 02 §8.1. */
export interface CodeDelivery {
  readonly method: Exclude<DeliveryMethod, 'totp_authenticator_app'>;
  /** Rejects with `AppError`, or `Error` whose text is the cause of a 500. */
  send(message: CodeMessage): Promise<void>;
  /** Whether `receiver` can be one. Rejects with `Error`, text as in spec 02 §8.1. */
  checkReceiver(receiver: string): Promise<void>;
}

export interface CodeMessage {
  readonly receiver: string;
  readonly code: string;
  readonly ttlSeconds: number;
  readonly userAgent: string;
  readonly ip: string;
}
