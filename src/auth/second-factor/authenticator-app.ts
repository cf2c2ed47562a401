/** The second step with codes of an authenticator app. Spec 02 §9.3. */

import { AppError } from '../../errors.js';
import type { Clock, Milliseconds } from '../../time.js';
import type { Guard } from '../guard.js';
import type { User, UserProvider } from '../users/provider.js';
import type { Challenges, Proof } from './challenges.js';
import { countFailures } from './count-failures.js';
import { totpTitles } from './pending-challenges.js';
import type { SecondFactor } from './second-factor.js';
import { matchTotp } from './totp/match.js';
import { readTotpKey } from './totp/read-key.js';

/** A code has 8 digits at most; blanks around it are forgiven. */
const LONGEST_CODE = 64;

export interface AuthenticatorAppOptions {
  /** How long the second step is waited for. */
  readonly ttl: Milliseconds;
  readonly challenges: Challenges;
  readonly users: UserProvider;
  readonly guard: Guard;
  readonly clock: Clock;
}

export function authenticatorApp(options: AuthenticatorAppOptions): SecondFactor {
  const { ttl, challenges, users, guard, clock } = options;
  const method = 'totp_authenticator_app';

  const prove = (user: User, code: string): Proof => {
    const key = readTotpKey(user);
    if (key === null) return { kind: 'no_secret' };
    return { kind: 'totp', use: matchTotp(key, code.slice(0, LONGEST_CODE), clock.now()) };
  };

  return {
    method,
    ttl,

    async begin({ user, sessionId, newPasswordHash, ip }) {
      const { username } = user;
      const totpKeyStatus = readTotpKey(user) === null ? 'pending' : 'exists';
      await challenges.open({ username, sessionId, method, codeDigest: '', newPasswordHash, ip, ttl });
      return { sendTo: '', deliveryMethod: method, totpKeyStatus };
    },

    // The name in the body does not matter here, in the reference neither: the token says who it is.
    complete: ({ username, sessionId, code, ip }) =>
      countFailures(guard, username, ip, async () => {
        const user = await users.findCurrent(username);
        if (user === undefined) throw new AppError('unauthorized', { title: totpTitles.unknown });
        const proof = prove(user, code);
        const { newPasswordHash } = await challenges.complete({ username, sessionId, method, ip, proof });
        return { username, newPasswordHash };
      }),
  };
}
