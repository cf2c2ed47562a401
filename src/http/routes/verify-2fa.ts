/** The second step of a login. Spec 02 §8.2 and §9.3. */

import Type from 'typebox';
import { readJsonBody } from '../json/body.js';
import { API_PREFIX } from '../prefix.js';
import type { Route } from '../route.js';
import { loginQuery, loginReply, loginResponse, originOf } from './login-answer.js';

const bodySchema = Type.Object({
  username: Type.String(),
  token: Type.String({ description: 'The code that was sent, or the present one of the authenticator app' }),
});

const verify: Route = {
  method: 'POST',
  path: '/verify-2fa',
  access: { kind: 'bearer' },
  docs: {
    tag: 'Login',
    summary: 'Get a token for the second factor',
    description:
      'With the token of the first step as bearer. A code is good once; after five wrong ones a new login is needed.',
    query: loginQuery,
    ownBody: bodySchema,
    errors: {
      400: 'The body or the token lifetime is no good',
      401: 'The token, the name or the code is wrong, has ended or was used before',
      409: 'No second factor is configured, or the user has no secret yet',
      423: 'The address is banned after too many failed logins',
      429: 'Too soon after a wrong code of this user, or too many of them',
    },
  },
  responses: { 200: loginResponse },
  async handler(request, { auth }) {
    const answer = await auth.verifySecondFactor({
      ...originOf(request),
      authorization: request.header('authorization'),
      method: request.method,
      path: `${API_PREFIX}/verify-2fa`,
      readBody() {
        const { username, token } = readJsonBody(request.rawBody, bodySchema) as Record<
          'username' | 'token',
          string
        >;
        return { username, code: token };
      },
    });
    return loginReply(answer);
  },
};

export const verifySecondFactorRoutes: readonly Route[] = [verify];
