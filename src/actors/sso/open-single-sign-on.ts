import { createSingleSignOn, type SingleSignOnOptions } from '../../auth/sso/create-single-sign-on.js';
import type { SingleSignOn } from '../../auth/sso/single-sign-on.js';
import type { ActorSystem } from '../runtime/types.js';
import { remotePendingLogins } from './remote-pending-logins.js';

export interface OpenSingleSignOnOptions extends Omit<SingleSignOnOptions, 'pending'> {
  readonly system: ActorSystem;
}

/** The identity provider of the configuration as every thread uses it; `null` without. */
export function openSingleSignOn({ system, ...options }: OpenSingleSignOnOptions): SingleSignOn | null {
  const oauth = options.config.plusOauth;
  if (oauth.provider === '') return null;
  return createSingleSignOn({ ...options, pending: remotePendingLogins(system, oauth) });
}
