/**
 * Rules of second factors. What needs the network (reaching the mail server, asking Pushover about its key) is
 * checked at start by the delivery itself. Spec 02 §1 items 10 and 11.
 */

import { compileRegularExpression } from '../../auth/restrictions/regular-expression.js';
import { checkEmail } from '../../auth/second-factor/delivery/email-address.js';
import type { DecodedConfig } from '../keys.js';
import type { Surroundings } from '../surroundings.js';
import { parseListenAddress } from '../values/listen-address.js';
import { checkHttpUrl } from '../values/url.js';
import { prefixed } from './server.js';

/** @throws Error with the reason */
export function checkTwoFactor(
  config: DecodedConfig,
  surroundings: Pick<Surroundings, 'isExecutable'>,
): void {
  const { api } = config;
  const delivery = api.twoFaTokenDelivery;
  if (delivery !== '') {
    if (api.auth !== '')
      throw new Error('2FA is not available if you use a single static user-password pair');
    checkDelivery(config, surroundings);
    if (api.twoFaTokenTtlSeconds < 1) throw new Error("'two_fa_token_ttl_seconds' must be at least 1");
    if (api.twoFaSendTimeout < 1) throw new Error("'two_fa_send_timeout' must be more than 0");
  }
  if (delivery !== '' && api.totpEnabled)
    throw new Error(
      'conflicting 2FA configuration, two factor auth and totp_enabled options cannot be both enabled',
    );
  // The single user cannot store a secret, so every login would be stuck (a defect of the reference).
  if (api.totpEnabled && api.auth !== '')
    throw new Error('totp_enabled is not available if you use a single static user-password pair');
  if (api.totpEnabled && api.totpLoginSessionTtl < 1)
    throw new Error("'totp_login_session_ttl' must be more than 0");
}

function checkDelivery(config: DecodedConfig, { isExecutable }: Pick<Surroundings, 'isExecutable'>): void {
  const { api, smtp, pushover } = config;
  const delivery = api.twoFaTokenDelivery;
  if (delivery === 'pushover') {
    if (pushover.apiToken === '') throw new Error('pushover.api_token is required');
    return;
  }
  if (delivery === 'smtp') {
    if (smtp.server === '') throw new Error('smtp.server is required');
    prefixed(
      "invalid smtp.server, expected to be server and port separated by a colon. e.g. 'smtp.gmail.com:587'; error",
      () => parseListenAddress(smtp.server),
    );
    prefixed('invalid smtp.sender_email', () => checkEmail(smtp.senderEmail));
    return;
  }
  if (isExecutable(delivery)) {
    checkReceiverRule(api.twoFaSendToType, api.twoFaSendToRegex);
    return;
  }
  try {
    checkHttpUrl(delivery);
  } catch {
    throw new Error(`unknown 2fa token delivery method: ${delivery}`);
  }
  if (api.baseUrl === '') throw new Error('base_url is required for url two_fa_token_delivery');
}

function checkReceiverRule(type: string, regex: string): void {
  if (!['none', 'email', 'regex'].includes(type))
    throw new Error(`invalid api.two_fa_send_to_type: ${JSON.stringify(type)}`);
  if (type === 'regex') prefixed('invalid api.two_fa_send_to_regex', () => compileRegularExpression(regex));
}
