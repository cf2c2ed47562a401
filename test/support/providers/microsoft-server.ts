/** Entra ID and Microsoft Graph as published: refusals have status 400, ID tokens nobody asked for come along. */

import type { TestContext } from 'node:test';
import { CLIENT } from '../openid-issuer.js';
import { OauthServer } from './oauth-server.js';

const texts = {
  bad_code: ['invalid_grant', 'AADSTS70008: The provided authorization code has expired.\r\nTrace ID: 1'],
  bad_client: ['invalid_client', 'AADSTS7000215: Invalid client secret provided.'],
  authorization_pending: ['authorization_pending', 'AADSTS70016: Authorization is pending.\r\nTrace ID: 2'],
  slow_down: ['slow_down', 'AADSTS70000: slow down'],
  access_denied: ['authorization_declined', 'AADSTS70000: The user declined.'],
  expired_token: ['expired_token', 'AADSTS70020: The device code has expired.'],
} as const;

export interface GraphUser {
  readonly profile: Readonly<Record<string, unknown>>;
  readonly groups: readonly string[];
}

const PAGE_SIZE = 2;

/** `users` by any name. `pagesAt` is where further pages are said to be. */
export function microsoftServer(
  test: TestContext,
  users: Readonly<Record<string, GraphUser>>,
  pagesAt?: string,
): Promise<OauthServer> {
  return OauthServer.start(test, (base) => ({
    tokenPath: '/tenant/oauth2/v2.0/token',
    devicePath: '/tenant/oauth2/v2.0/devicecode',
    device: { id: CLIENT.id, secret: null },
    error(error) {
      const [name, description] = texts[error];
      return {
        status: error === 'bad_client' ? 401 : 400,
        body: { error: name, error_description: description, error_codes: [1], trace_id: '1' },
      };
    },
    deviceAnswer: ({ deviceCode, userCode, url }) => ({
      device_code: deviceCode,
      user_code: userCode,
      verification_uri: `${url}/devicelogin`,
      expires_in: 900,
      interval: 5,
      message: 'To sign in, use a web browser',
    }),
    token: (accessToken) => ({
      access_token: accessToken,
      token_type: 'Bearer',
      expires_in: 3599,
      scope: 'User.Read',
      id_token: 'of.another.issuer',
    }),
    api({ url, user }) {
      const known = users[user];
      if (known === undefined) return undefined;
      if (url.pathname === '/v1.0/me') {
        const selected = (url.searchParams.get('$select') ?? '').split(',');
        const shown = Object.entries(known.profile).filter(([name]) => selected.includes(name));
        return { body: { '@odata.context': base, ...Object.fromEntries(shown) } };
      }
      if (url.pathname !== '/v1.0/me/memberOf') return undefined;
      const from = Number(url.searchParams.get('$skiptoken') ?? 0);
      const next = new URL(`${url.pathname}${url.search}`, pagesAt ?? base);
      next.searchParams.set('$skiptoken', String(from + PAGE_SIZE));
      return {
        body: {
          value: known.groups
            .slice(from, from + PAGE_SIZE)
            .map((id) => ({ '@odata.type': '#microsoft.graph.group', id })),
          ...(from + PAGE_SIZE < known.groups.length ? { '@odata.nextLink': next.href } : {}),
        },
      };
    },
  }));
}
