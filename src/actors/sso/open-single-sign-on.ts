import type { SingleSignOn } from '../../auth/sso/single-sign-on.js';
import type { Config } from '../../config/types.js';
import type { Logger } from '../../logging/logger.js';
import type { Clock } from '../../time.js';
import type { ActorSystem } from '../runtime/types.js';

export interface OpenSingleSignOnOptions {
  readonly config: Config;
  readonly system: ActorSystem;
  readonly clock: Clock;
  readonly log: Logger;
}

/** The identity provider of the configuration as every thread uses it; `null` without. */
export function openSingleSignOn(_options: OpenSingleSignOnOptions): SingleSignOn | null {
  return null;
}
