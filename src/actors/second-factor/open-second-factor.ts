import type { Guard } from '../../auth/guard.js';
import type { SecondFactor } from '../../auth/second-factor/second-factor.js';
import type { UserProvider } from '../../auth/users/provider.js';
import type { Config } from '../../config/types.js';
import type { Logger } from '../../logging/logger.js';
import type { Clock } from '../../time.js';
import type { ActorSystem } from '../runtime/types.js';

export interface OpenSecondFactorOptions {
  readonly config: Config;
  readonly system: ActorSystem;
  readonly users: UserProvider;
  readonly guard: Guard;
  readonly clock: Clock;
  readonly log: Logger;
}

/** The second factor of the configuration as every thread uses it; `null` without. */
export function openSecondFactor(_options: OpenSecondFactorOptions): SecondFactor | null {
  return null;
}
