import { createHash } from 'node:crypto';
import type { PendingLogin, PendingLogins, PollVerdict } from '../../auth/sso/pending-logins.js';
import type { PlusOauthConfig } from '../../config/types.js';
import type { Milliseconds } from '../../time.js';
import { askActor } from '../ask.js';
import type { ActorSystem } from '../runtime/types.js';
import { type SsoMessage, ssoRef } from './messages.js';

/** Main answers in microseconds unless it is stuck. */
const TIMEOUT: Milliseconds = 5_000;
const GONE = 'nobody can log in at the moment';

/**
 * The pending logins as every thread uses them. What was given out under another application or provider is unknown
 * after a reload.
 */
export function remotePendingLogins(system: ActorSystem, oauth: PlusOauthConfig): PendingLogins {
  const ask = <Reply>(message: SsoMessage): Promise<Reply> =>
    askActor<Reply>(system, ssoRef, message, TIMEOUT, GONE);
  const tell = (message: SsoMessage): void => system.tell(ssoRef, message);
  const { provider, clientId, deviceClientId, tokenUrl, issuer, redirectUri } = oauth;
  const application = JSON.stringify([provider, clientId, deviceClientId, tokenUrl, issuer, redirectUri]);
  const keyOf = (secret: string): string =>
    createHash('sha256').update(application).update('\0').update(secret).digest('base64');

  return {
    keepState: (state, login, ip) => ask({ type: 'keepState', key: keyOf(state), login, ip }),
    takeState: (state) => ask<PendingLogin | null>({ type: 'takeState', key: keyOf(state) }),
    mayStartDevice: (ip) => ask<boolean>({ type: 'mayStartDevice', ip }),
    keepDevice: (code, device, ip) => ask({ type: 'keepDevice', key: keyOf(code), device, ip }),
    pollDevice: (code) => ask<PollVerdict>({ type: 'pollDevice', key: keyOf(code) }),
    slowDevice: (code) => tell({ type: 'slowDevice', key: keyOf(code) }),
    endDevice: (code) => tell({ type: 'endDevice', key: keyOf(code) }),
  };
}
