import { ProviderRefusal } from '../provider-error.js';
import { isObject, type JsonObject, own, readAsUser, readPages } from '../provider-http.js';
import { type IdentityProvider, needsMemberships, type ProviderTools, sameInAnyCase } from './provider.js';

const GROUPS_SCOPE = 'https://www.googleapis.com/auth/cloud-identity.groups.readonly';
/** Every group of Google Workspace carries it; the search wants a label. */
const GROUP_LABEL = 'cloudidentity.googleapis.com/groups.discussion_forum';
/** The most Cloud Identity gives. */
const PAGE_SIZE = 1000;

/** Verified e-mail address, and groups (by id and by address) the user is directly in, from Cloud Identity. */
export function google({ oauth, http, apis }: ProviderTools): IdentityProvider {
  const required = oauth.requiredGroupId.replace(/^groups\//, '');
  const asksGroups = needsMemberships(oauth, required);
  const scope = 'openid email profile';
  return {
    scope: asksGroups ? `${scope} ${GROUPS_SCOPE}` : scope,
    // Google does not grant the scope of groups to devices.
    deviceScope: scope,
    deviceApplication: { clientId: oauth.deviceClientId, clientSecret: oauth.deviceClientSecret },
    refusalStatus: 403,
    readsIdToken: false,
    deviceHidesMemberships: true,
    required,
    requiredTitle: 'user is not a member of the required group',
    sameMembership: sameInAnyCase,
    async identify({ accessToken }, { flow }) {
      const { value } = await readAsUser(http, accessToken, apis.googleUser);
      const profile = isObject(value) ? value : {};
      const username = own(profile, 'email');
      const verified = own(profile, 'email_verified');
      // Anybody may open an account under an address he does not have.
      if (verified !== true && verified !== 'true')
        throw new ProviderRefusal(200, 'the e-mail address of the user is not verified', '', '');
      if (!asksGroups || flow === 'device' || typeof username !== 'string')
        return { username, memberships: null };
      return { username, memberships: await groupsOf(username, accessToken) };
    },
  };

  async function groupsOf(email: string, accessToken: string): Promise<readonly string[]> {
    const memberships: string[] = [];
    const query = `member_key_id == '${email.replace(/[\\']/g, '\\$&')}' && '${GROUP_LABEL}' in labels`;
    const url = `${apis.googleGroups}/groups/-/memberships:searchDirectGroups?pageSize=${PAGE_SIZE}&query=${encodeURIComponent(query)}`;
    await readPages(http, accessToken, url, (page) => {
      if (!isObject(page)) return undefined;
      const items = own(page, 'memberships');
      for (const item of Array.isArray(items) ? items : []) {
        if (isObject(item)) memberships.push(...namesOf(item));
      }
      const token = own(page, 'nextPageToken');
      return typeof token === 'string' && token !== ''
        ? `${url}&pageToken=${encodeURIComponent(token)}`
        : undefined;
    });
    return memberships;
  }
}

/** `groups/01abc` as `01abc`, and the address of the group. */
function namesOf(relation: JsonObject): readonly string[] {
  const name = own(relation, 'group');
  const key = own(relation, 'groupKey');
  const address = isObject(key) ? own(key, 'id') : undefined;
  return [typeof name === 'string' ? name.replace(/^groups\//, '') : undefined, address].filter(
    (text) => typeof text === 'string',
  );
}
