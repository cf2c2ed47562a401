/** The second step with codes that are sent to the user. Spec 02 §8. */

import { AppError } from '../../errors.js';
import type { Milliseconds, Seconds } from '../../time.js';
import type { Guard } from '../guard.js';
import type { UserProvider } from '../users/provider.js';
import type { Challenges } from './challenges.js';
import { codeDigest, newCode, withoutCode } from './code.js';
import { countFailures } from './count-failures.js';
import { causeOf } from './delivery/channel.js';
import { codeTitles } from './pending-challenges.js';
import type { CodeDelivery, CodeMessage, SecondFactor } from './second-factor.js';

export interface SentCodesOptions {
  readonly delivery: CodeDelivery;
  readonly ttlSeconds: Seconds;
  readonly challenges: Challenges;
  readonly users: UserProvider;
  readonly guard: Guard;
}

export function sentCodes(options: SentCodesOptions): SecondFactor {
  const { delivery, ttlSeconds, challenges, users, guard } = options;
  const { method } = delivery;
  const ttl: Milliseconds = ttlSeconds * 1000;

  /** Names are compared as their source compares them. */
  const isSame = async (given: string, username: string): Promise<boolean> =>
    given === username || (await users.findCurrent(given))?.username === username;

  return {
    method,
    ttl,

    async begin({ user, sessionId, newPasswordHash, ip, userAgent }) {
      const { username, twoFaSendTo: receiver } = user;
      if (receiver.trim() === '')
        throw new AppError('bad_request', { title: 'no two_fa_send_to set for this user' });
      await challenges.admit({ username, ip });
      const code = newCode();
      await sendCode(delivery, { receiver, code, ttlSeconds, userAgent, ip });
      await challenges.open({
        username,
        sessionId,
        method,
        codeDigest: codeDigest(sessionId, code),
        newPasswordHash,
        ip,
        ttl,
      });
      return { sendTo: receiver, deliveryMethod: method, totpKeyStatus: '' };
    },

    complete: ({ username, sessionId, givenUsername, code, ip }) =>
      countFailures(guard, username, ip, async () => {
        if (!(await isSame(givenUsername, username)))
          throw new AppError('unauthorized', { title: codeTitles.unknown });
        const proof = { kind: 'code', digest: codeDigest(sessionId, code) } as const;
        const { newPasswordHash } = await challenges.complete({ username, sessionId, method, ip, proof });
        return { username, newPasswordHash };
      }),
  };
}

/** Throws `AppError`. What a service or a program says goes to the caller, but for the code. */
async function sendCode(delivery: CodeDelivery, message: CodeMessage): Promise<void> {
  try {
    await delivery.send(message);
  } catch (error) {
    if (error instanceof AppError) {
      throw new AppError(error.code, { ...error.toPayload(), title: withoutCode(error.title, message.code) });
    }
    const cause = withoutCode(causeOf(error), message.code);
    throw new AppError('internal', { title: `failed to send 2fa verification code: ${cause}` });
  }
}
