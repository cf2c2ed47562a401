/** Google's OAuth, user info and Cloud Identity as published: devices are an application of their own. */

import type { TestContext } from 'node:test';
import { OauthServer } from './oauth-server.js';

export const DEVICE_CLIENT = { id: 'tideway-devices', secret: 'secret-of-the-devices' } as const;

const errors = {
  bad_code: [400, 'invalid_grant', 'Malformed auth code.'],
  bad_client: [401, 'invalid_client', 'Unauthorized'],
  authorization_pending: [428, 'authorization_pending', 'Precondition Required'],
  slow_down: [403, 'slow_down', 'Forbidden'],
  access_denied: [403, 'access_denied', 'Forbidden'],
  expired_token: [400, 'expired_token', 'Bad Request'],
} as const;

export interface GoogleUser {
  readonly email: string;
  readonly verified: boolean;
  /** Id and address of each group. */
  readonly groups: readonly (readonly [id: string, address: string])[];
}

/** `users` by any name; one group a page. */
export function googleServer(
  test: TestContext,
  users: Readonly<Record<string, GoogleUser>>,
): Promise<OauthServer> {
  return OauthServer.start(test, () => ({
    tokenPath: '/token',
    devicePath: '/device/code',
    device: DEVICE_CLIENT,
    error(error) {
      const [status, name, description] = errors[error];
      return { status, body: { error: name, error_description: description } };
    },
    deviceAnswer: ({ deviceCode, userCode, url }) => ({
      device_code: deviceCode,
      user_code: userCode,
      verification_url: `${url}/device`,
      expires_in: 1800,
      interval: 5,
    }),
    token: (accessToken) => ({
      access_token: accessToken,
      token_type: 'Bearer',
      expires_in: 3599,
      scope: 'openid',
      id_token: 'not.to.be.read',
    }),
    api({ url, user }) {
      const known = users[user];
      if (known === undefined) return undefined;
      if (url.pathname === '/v1/userinfo') {
        return { body: { sub: user, email: known.email, email_verified: known.verified } };
      }
      if (url.pathname !== '/v1/groups/-/memberships:searchDirectGroups') return undefined;
      const wanted = `member_key_id == '${known.email.replaceAll("'", "\\'")}' && 'cloudidentity.googleapis.com/groups.discussion_forum' in labels`;
      if (url.searchParams.get('query') !== wanted) return { status: 400, body: { error: { code: 400 } } };
      const at = Number(url.searchParams.get('pageToken') ?? 0);
      const memberships = known.groups.slice(at, at + 1).map(([id, address]) => ({
        group: `groups/${id}`,
        groupKey: { id: address },
        membership: `groups/${id}/memberships/1`,
      }));
      return {
        body: {
          memberships,
          nextPageToken: at + 1 < known.groups.length ? String(at + 1) : '',
        },
      };
    },
  }));
}
