/** GitHub's OAuth and REST API as published: refusals have status 200, lists have pages. */

import type { TestContext } from 'node:test';
import { CLIENT } from '../openid-issuer.js';
import { type Answer, OauthServer } from './oauth-server.js';

const texts = {
  bad_code: ['bad_verification_code', 'The code passed is incorrect or expired.'],
  bad_client: ['incorrect_client_credentials', 'The client_id and/or client_secret passed are incorrect.'],
  authorization_pending: ['authorization_pending', 'The authorization request is still pending.'],
  slow_down: ['slow_down', 'Too many requests have been made in the same timeframe.'],
  access_denied: ['access_denied', 'The authorization request was denied.'],
  expired_token: ['expired_token', 'The device_code has expired.'],
} as const;

/** `organizations` by login name. */
export function githubServer(
  test: TestContext,
  organizations: Readonly<Record<string, readonly string[]>>,
): Promise<OauthServer> {
  return OauthServer.start(test, () => ({
    tokenPath: '/login/oauth/access_token',
    devicePath: '/login/device/code',
    device: { id: CLIENT.id, secret: null },
    error(error) {
      const [name, description] = texts[error];
      return {
        body: { error: name, error_description: description, error_uri: 'https://docs.github.com/x' },
      };
    },
    deviceAnswer: ({ deviceCode, userCode, url }) => ({
      device_code: deviceCode,
      user_code: userCode,
      verification_uri: `${url}/login/device`,
      expires_in: 900,
      interval: 5,
    }),
    token: (accessToken) => ({ access_token: accessToken, token_type: 'bearer', scope: 'read:org' }),
    api({ url, user, headers }) {
      if (headers['user-agent'] === undefined) return { status: 403, body: 'Request forbidden' };
      if (url.pathname === '/user') return { body: { login: user, id: 1, type: 'User' } };
      if (url.pathname === '/user/orgs') return page(url, organizations[user] ?? []);
      return undefined;
    },
  }));
}

function page(url: URL, names: readonly string[]): Answer {
  const size = Math.min(100, Number(url.searchParams.get('per_page') ?? 30));
  const number = Number(url.searchParams.get('page') ?? 1);
  const next = new URL(url);
  next.searchParams.set('page', String(number + 1));
  const last = number * size >= names.length;
  const body = names.slice((number - 1) * size, number * size).map((login) => ({ login }));
  return { headers: last ? {} : { link: `<${next}>; rel="next", <${next}>; rel="last"` }, body };
}
