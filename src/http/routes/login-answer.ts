/** What every kind of login takes and answers. Spec 02 §7.1. */

import Type from 'typebox';
import type { LoginAnswer, LoginOrigin } from '../../auth/api-auth.js';
import type { ApiReply, ApiRequest, RouteDocs } from '../route.js';

export const loginResponse = Type.Object(
  {
    token: Type.Union([Type.String(), Type.Null()], { description: 'Send it as `Authorization: Bearer …`' }),
    two_fa: Type.Union(
      [
        Type.Object({
          send_to: Type.String({ description: 'Where the code was sent' }),
          delivery_method: Type.String({
            description: '`email`, `pushover`, `script`, `url` or `totp_authenticator_app`',
          }),
          totp_key_status: Type.String({ description: 'Empty, `pending` or `exists`' }),
        }),
        Type.Null(),
      ],
      { description: 'What the second factor asks for; null without one' },
    ),
  },
  { title: 'LoginResponse' },
);

export const loginQuery: NonNullable<RouteDocs['query']> = {
  'token-lifetime': {
    schema: Type.Integer({ default: 600, maximum: 7_776_000 }),
    description:
      'Seconds the token lives unused; every use prolongs it to at least ten minutes. At most 90 days, or `max_token_lifetime` where that is set',
  },
};

export const originOf = (request: ApiRequest): LoginOrigin => ({
  tokenLifetime: request.query.get('token-lifetime'),
  userAgent: request.header('user-agent'),
  ip: request.ip,
});

export const loginReply = ({ token, twoFa }: LoginAnswer): ApiReply => ({
  status: 200,
  data: {
    token,
    two_fa: twoFa && {
      send_to: twoFa.sendTo,
      delivery_method: twoFa.deliveryMethod,
      totp_key_status: twoFa.totpKeyStatus,
    },
  },
});
