import { isObject, own, readAsUser, readPages } from '../provider-http.js';
import { type IdentityProvider, needsMemberships, type ProviderTools, sameInAnyCase } from './provider.js';

/** Login name and organizations, from GitHub's REST API. */
export function github({ oauth, http, apis }: ProviderTools): IdentityProvider {
  const required = oauth.requiredOrganization;
  return {
    scope: 'read:org',
    deviceScope: 'read:org',
    // GitHub asks devices for the id alone.
    deviceApplication: { clientId: oauth.clientId, clientSecret: null },
    refusalStatus: 200,
    readsIdToken: false,
    deviceHidesMemberships: false,
    required,
    requiredTitle: 'user is not a member of the required organization',
    sameMembership: sameInAnyCase,
    async identify({ accessToken }) {
      const { value } = await readAsUser(http, accessToken, `${apis.github}/user`);
      const username = isObject(value) ? own(value, 'login') : undefined;
      if (!needsMemberships(oauth, required)) return { username, memberships: null };
      const memberships: string[] = [];
      await readPages(http, accessToken, `${apis.github}/user/orgs?per_page=100`, (page, headers) => {
        for (const item of Array.isArray(page) ? page : []) {
          const login = isObject(item) ? own(item, 'login') : undefined;
          if (typeof login === 'string') memberships.push(login);
        }
        return nextPage(headers.get('link') ?? '');
      });
      return { username, memberships };
    },
  };
}

/** `<https://…&page=2>; rel="next", <…>; rel="last"`. */
const nextPage = (link: string): string | undefined => /<([^<>]*)>;\s*rel="next"/.exec(link)?.[1];
