import type { Guard } from '../../auth/guard.js';
import { authenticatorApp } from '../../auth/second-factor/authenticator-app.js';
import { openCodeDelivery } from '../../auth/second-factor/delivery/open-code-delivery.js';
import type { SecondFactor } from '../../auth/second-factor/second-factor.js';
import { sentCodes } from '../../auth/second-factor/sent-codes.js';
import type { UserProvider } from '../../auth/users/provider.js';
import type { Config } from '../../config/types.js';
import type { Logger } from '../../logging/logger.js';
import type { Clock } from '../../time.js';
import type { ActorSystem } from '../runtime/types.js';
import { remoteChallenges } from './remote-challenges.js';

export interface OpenSecondFactorOptions {
  readonly config: Config;
  readonly system: ActorSystem;
  readonly users: UserProvider;
  readonly guard: Guard;
  readonly clock: Clock;
  readonly log: Logger;
}

/** The second factor of the configuration as every thread uses it; `null` without. */
export function openSecondFactor(options: OpenSecondFactorOptions): SecondFactor | null {
  const { config, system, users, guard, clock } = options;
  const { totpEnabled, totpLoginSessionTtl, twoFaTokenTtlSeconds } = config.api;
  const challenges = remoteChallenges(system);
  if (totpEnabled) return authenticatorApp({ ttl: totpLoginSessionTtl, challenges, users, guard, clock });
  const delivery = openCodeDelivery(options);
  if (delivery === null) return null;
  return sentCodes({ delivery, ttlSeconds: twoFaTokenTtlSeconds, challenges, users, guard });
}
