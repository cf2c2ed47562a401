/** A delivery of codes as the server opens it, over real time. */

import {
  type CodeDeliveryOptions,
  openCodeDelivery,
  type ReadyCodeDelivery,
} from '../../src/auth/second-factor/delivery/open-code-delivery.js';
import type { CodeMessage } from '../../src/auth/second-factor/second-factor.js';
import type { ApiConfig, PushoverConfig, SmtpConfig } from '../../src/config/types.js';
import { systemClock } from '../../src/time.js';
import { MemoryLogger } from './memory-logger.js';

export interface DeliveryParts extends Partial<Omit<CodeDeliveryOptions, 'config'>> {
  readonly api: Partial<ApiConfig>;
  readonly smtp?: Partial<SmtpConfig>;
  readonly pushover?: Partial<PushoverConfig>;
}

export function deliveryOf({ api, smtp, pushover, ...rest }: DeliveryParts): ReadyCodeDelivery {
  const config = {
    api: { twoFaSendTimeout: 20_000, twoFaSendToType: 'none', twoFaSendToRegex: '', baseUrl: '', ...api },
    smtp: {
      server: '',
      senderEmail: 'tideway@example.com',
      authUsername: '',
      authPassword: '',
      secure: false,
      ...smtp,
    },
    pushover: { apiToken: '', userKey: '', ...pushover },
  } as unknown as CodeDeliveryOptions['config'];
  const delivery = openCodeDelivery({ config, clock: systemClock, log: new MemoryLogger(), ...rest });
  if (delivery === null) throw new Error('no delivery is configured');
  return delivery;
}

export const message = (more: Partial<CodeMessage> = {}): CodeMessage => ({
  receiver: 'anna@example.org',
  code: 'aB3dE6',
  ttlSeconds: 100,
  userAgent: 'Go',
  ip: '127.0.0.1',
  ...more,
});

/** Text of the error a promise rejects with. */
export async function failure(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('it did not fail');
}
