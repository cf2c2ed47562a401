/** Login and logout. Spec 02 §7. */

import Type from 'typebox';
import type { LoginRequest } from '../../auth/api-auth.js';
import { parseAuthorization } from '../../auth/authorization-header.js';
import type { ApiConfig } from '../../config/types.js';
import { AppError } from '../../errors.js';
import { goQuote } from '../../go/quote.js';
import type { ApiContext } from '../context.js';
import { readJsonBody } from '../json/body.js';
import { API_PREFIX } from '../prefix.js';
import { parseQuery } from '../query-string.js';
import type { ApiReply, ApiRequest, Route, RouteDocs } from '../route.js';
import { loginQuery, loginReply, loginResponse, originOf } from './login-answer.js';

const TAG = 'Login';
const JSON_TYPE = 'application/json';
const FORM_TYPE = 'application/x-www-form-urlencoded';

const errors: NonNullable<RouteDocs['errors']> = {
  400: 'The token lifetime, the content type, the body or the new password is no good',
  401: 'Wrong name or password, no name, or an expired password',
  403: 'Users log in with an identity provider; see `/auth/provider`',
  423: 'The address is banned after too many failed logins',
  429: 'Too soon after a failed login of this user from this address, or too many logins at once',
};

const loginByHeader: Route = {
  method: 'GET',
  path: '/login',
  access: { kind: 'open' },
  docs: {
    tag: TAG,
    summary: 'Get a token for HTTP Basic credentials',
    description:
      'With `auth_header` configured a trusted proxy may vouch for the user instead: it sends that header, and his name in `user_header`. Credentials are not looked at then.',
    query: loginQuery,
    errors,
  },
  responses: { 200: loginResponse },
  async handler(request, context) {
    refuseBuiltIn(context);
    const vouched = vouchedName(request, context.config.api);
    if (vouched !== undefined) {
      const { createMissingUsers } = context.config.api;
      return loginReply(
        await context.auth.loginVouched({
          ...originOf(request),
          username: vouched,
          addMissing: createMissingUsers,
        }),
      );
    }
    const authorization = parseAuthorization(request.header('authorization'));
    if (authorization.scheme !== 'basic') {
      return refuse(request, context, new AppError('unauthorized', { title: 'auth is required' }));
    }
    const { username, password } = authorization;
    return login(request, context, { username, password, newPassword: '' });
  },
};

const loginByBody: Route = {
  method: 'POST',
  path: '/login',
  access: { kind: 'open' },
  docs: {
    tag: TAG,
    summary: 'Get a token for credentials in the body',
    description:
      'The body has `username`, `password` and optionally `new_password`, as `application/json` or `application/x-www-form-urlencoded`. A new password is stored once the old one has proved right, also when that has expired.',
    query: loginQuery,
    errors,
  },
  responses: { 200: loginResponse },
  async handler(request, context) {
    refuseBuiltIn(context);
    let given: GivenLogin | ApiReply;
    try {
      given = readLogin(request, context.config.api.maxRequestBytes);
    } catch (error) {
      return refuse(request, context, error);
    }
    return 'status' in given ? given : login(request, context, given);
  },
};

const logout: Route = {
  method: 'DELETE',
  path: '/logout',
  access: { kind: 'bearer' },
  docs: {
    tag: TAG,
    summary: 'End the session of the bearer token for good',
    errors: { 400: 'No bearer token, or one that is invalid or expired', 423: errors[423] ?? '' },
  },
  responses: { 204: null },
  async handler(request, context) {
    await context.auth.logout({
      authorization: request.header('authorization'),
      userAgent: request.header('user-agent'),
      ip: request.ip,
      method: request.method,
      path: `${API_PREFIX}/logout`,
    });
    return { status: 204, empty: true };
  },
};

export const loginRoutes: readonly Route[] = [loginByHeader, loginByBody, logout];

type GivenLogin = Pick<LoginRequest, 'username' | 'password' | 'newPassword'>;

async function login(request: ApiRequest, context: ApiContext, given: GivenLogin): Promise<ApiReply> {
  return loginReply(await context.auth.login({ ...given, ...originOf(request) }));
}

/** With an identity provider nobody logs in here. Throws `AppError` 403. */
function refuseBuiltIn({ sso }: ApiContext): void {
  if (sso === null) return;
  throw new AppError('forbidden', {
    title: 'built-in authorization disabled. please authorize via your configured authorization',
  });
}

/**
 * The user a trusted proxy vouches for, perhaps empty; `undefined` when none does. Spec 02 §7.5. Throws `AppError` 400
 * when a header was sent twice: one of them may be the caller's own, which the proxy has failed to take out.
 */
function vouchedName(request: ApiRequest, { authHeader, userHeader }: ApiConfig): string | undefined {
  if (authHeader === '' || !request.fromTrustedProxy || onlyLine(request, authHeader) === '')
    return undefined;
  return onlyLine(request, userHeader);
}

function onlyLine({ headers }: ApiRequest, name: string): string {
  const lines = headers.filter(([one]) => one === name.toLowerCase());
  if (lines.length > 1) {
    throw new AppError('bad_request', { title: `header ${goQuote(name)} was sent more than once` });
  }
  return lines[0]?.[1].trim() ?? '';
}

/** A login that names nobody counts for the address, not for a user. Spec 02 §4.2. */
async function refuse({ ip }: ApiRequest, { guard }: ApiContext, error: unknown): Promise<never> {
  await guard.failed('api', null, ip);
  throw error;
}

const loginBody = Type.Object({
  username: Type.String(),
  password: Type.String(),
  new_password: Type.String(),
});

/** Throws `AppError` 400; a malformed form is answered as spec 02 §2.5 has it. */
function readLogin(request: ApiRequest, limit: number): GivenLogin | ApiReply {
  const given = request.header('content-type');
  const type = (given.split(';')[0] ?? '').trim().toLowerCase();
  const text = request.rawBody.toString('utf8');
  // What `curl -d '{…}'` sends claims to be a form.
  if (type === JSON_TYPE || (type === FORM_TYPE && text.trimStart().startsWith('{'))) {
    const body = readJsonBody(request.rawBody, loginBody) as Record<
      'username' | 'password' | 'new_password',
      string
    >;
    return { username: body.username, password: body.password, newPassword: body.new_password };
  }
  if (type !== FORM_TYPE) {
    throw new AppError('bad_request', { title: `unsupported content type: ${given.slice(0, 200)}` });
  }
  const form = parseQuery(text);
  if (form.error !== undefined) {
    return {
      status: 400,
      text: `Request data exceeds the limit of ${limit} bytes: ${form.error}\n`,
      contentType: 'text/plain; charset=utf-8',
      headers: [['X-Content-Type-Options', 'nosniff']],
    };
  }
  return {
    username: form.get('username') ?? '',
    password: form.get('password') ?? '',
    newPassword: form.get('new_password') ?? '',
  };
}
