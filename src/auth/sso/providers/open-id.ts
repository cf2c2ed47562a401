import { ProviderFailure, ProviderRefusal } from '../provider-error.js';
import { isObject, type JsonObject, own } from '../provider-http.js';
import { type IdentityProvider, type ProviderTools, sameExactly, webApplication } from './provider.js';

const SCOPE = 'openid profile email';

/**
 * The claim that names users when `username_claim` is not set. Auth0 has no `preferred_username`; of what it has, the
 * verified address alone is both unique and not the user's to choose. Elsewhere the name is what the directory calls
 * the account; `name` is free text and never taken.
 */
const defaultClaims = { auth0: 'email', oidc: 'preferred_username' } as const;

/** Name and roles from the signed ID token. */
export function openId(
  kind: keyof typeof defaultClaims,
  { oauth, idTokens }: ProviderTools,
): IdentityProvider {
  const claim = oauth.usernameClaim === '' ? defaultClaims[kind] : oauth.usernameClaim;
  return {
    scope: SCOPE,
    deviceScope: SCOPE,
    deviceApplication: webApplication(oauth),
    refusalStatus: 400,
    readsIdToken: true,
    deviceHidesMemberships: false,
    required: oauth.requiredRole,
    requiredTitle: 'user does not have the required role',
    sameMembership: sameExactly,
    async identify({ idToken }, { nonce, endpoints }) {
      if (idToken === null) throw new ProviderFailure('the token endpoint gave no ID token');
      const claims = await idTokens.verify(idToken, nonce, endpoints);
      const verified = own(claims, 'email_verified');
      if (claim === 'email' && verified !== true && verified !== 'true')
        throw new ProviderRefusal(200, 'the e-mail address of the user is not verified', '', '');
      return {
        username: own(claims, claim),
        memberships: oauth.roleClaim === '' ? null : rolesOf(claims, oauth.roleClaim),
      };
    },
  };
}

/**
 * A claim of that name, or a path into one: `https://example.com/roles` (Auth0 wants a URL) as well as
 * `realm_access.roles` (Keycloak). One role as text, several as a list; a missing claim is no role.
 */
function rolesOf(claims: JsonObject, name: string): readonly string[] {
  const value = own(claims, name) ?? name.split('.').reduce<unknown>(step, claims);
  const roles = Array.isArray(value) ? value : [value];
  return roles.filter((role) => typeof role === 'string');
}

const step = (value: unknown, name: string): unknown => (isObject(value) ? own(value, name) : undefined);
