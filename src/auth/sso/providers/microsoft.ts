import { isObject, own, readAsUser, readPages } from '../provider-http.js';
import { type IdentityProvider, needsMemberships, type ProviderTools, sameInAnyCase } from './provider.js';

/** Unique in the directory, and only its administrators change it; `displayName` and `mail` are neither. */
const DEFAULT_CLAIM = 'userPrincipalName';
/** The most Graph gives. */
const PAGE_SIZE = 999;

/** A property of the profile, and ids of groups the user is directly in, from Microsoft Graph. */
export function microsoft({ oauth, http, apis }: ProviderTools): IdentityProvider {
  const required = oauth.requiredGroupId;
  const claim = oauth.usernameClaim === '' ? DEFAULT_CLAIM : oauth.usernameClaim;
  return {
    scope: 'openid profile email User.Read',
    deviceScope: 'openid profile email User.Read',
    // Device login is for public clients there: a secret is refused.
    deviceApplication: { clientId: oauth.clientId, clientSecret: null },
    refusalStatus: 400,
    readsIdToken: false,
    deviceHidesMemberships: false,
    required,
    requiredTitle: 'user is not a member of the required group',
    sameMembership: sameInAnyCase,
    async identify({ accessToken }) {
      const select = encodeURIComponent(claim);
      const { value } = await readAsUser(http, accessToken, `${apis.microsoft}/me?$select=${select}`);
      const username = isObject(value) ? own(value, claim) : undefined;
      if (!needsMemberships(oauth, required)) return { username, memberships: null };
      const memberships: string[] = [];
      await readPages(
        http,
        accessToken,
        `${apis.microsoft}/me/memberOf?$select=id&$top=${PAGE_SIZE}`,
        (page) => {
          if (!isObject(page)) return undefined;
          const items = own(page, 'value');
          for (const item of Array.isArray(items) ? items : []) {
            const id = isObject(item) ? own(item, 'id') : undefined;
            if (typeof id === 'string') memberships.push(id);
          }
          const next = own(page, '@odata.nextLink');
          return typeof next === 'string' ? next : undefined;
        },
      );
      return { username, memberships };
    },
  };
}
