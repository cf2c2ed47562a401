/** Rules of `[plus-oauth]`. Spec 02 §20.7 and §20.8. */

import { compileRegularExpression } from '../../auth/restrictions/regular-expression.js';
import { type SsoProvider, ssoProviders } from '../../auth/sso/single-sign-on.js';
import { reasonOf } from '../config-error.js';
import type { PlusOauthConfig } from '../types.js';
import { checkEndpoint } from '../values/endpoint.js';

/** Settings that say who may log in, by the providers that can tell. */
const requirements = {
  requiredOrganization: { key: 'required_organization', providers: ['github'] },
  requiredGroupId: { key: 'required_group_id', providers: ['microsoft', 'google'] },
  requiredRole: { key: 'required_role', providers: ['auth0', 'oidc'] },
} as const satisfies Partial<
  Record<keyof PlusOauthConfig, { readonly key: string; readonly providers: readonly SsoProvider[] }>
>;

/** Whether users log in through an identity provider. */
export const usesSingleSignOn = ({ plusOauth }: { readonly plusOauth: PlusOauthConfig }): boolean =>
  plusOauth.provider !== '';

/** @throws Error `invalid oauth configuration: …`; nothing is checked when no key is set */
export function checkOauth(oauth: PlusOauthConfig): void {
  if (!isPresent(oauth)) return;
  try {
    checkSection(oauth);
  } catch (thrown) {
    throw new Error(`invalid oauth configuration: ${reasonOf(thrown)}`);
  }
}

function checkSection(oauth: PlusOauthConfig): void {
  const provider = providerOf(oauth.provider);
  const isOpenId = provider === 'auth0' || provider === 'oidc';
  // With an issuer the provider itself says where they are.
  const mayBeAsked = isOpenId && oauth.issuer !== '';
  if (oauth.issuer !== '') {
    if (!isOpenId) throw new Error(`issuer is not supported by provider '${provider}'`);
    checkUrl('issuer', oauth.issuer);
  }
  if (!mayBeAsked) {
    need('authorize_url', oauth.authorizeUrl);
    need('token_url', oauth.tokenUrl);
  }
  need('redirect_uri', oauth.redirectUri);
  need('client_id', oauth.clientId);
  need('client_secret', oauth.clientSecret);
  if (isOpenId && !mayBeAsked) need('jwks_url', oauth.jwksUrl);
  checkUrl('authorize_url', oauth.authorizeUrl);
  checkUrl('device_authorize_url', oauth.deviceAuthorizeUrl);
  checkUrl('token_url', oauth.tokenUrl);
  checkUrl('redirect_uri', oauth.redirectUri);
  checkUrl('jwks_url', oauth.jwksUrl);
  if (provider === 'google' && oauth.deviceAuthorizeUrl !== '') {
    // Google gives out device codes to applications of a kind of their own only.
    need('device_client_id', oauth.deviceClientId);
    need('device_client_secret', oauth.deviceClientSecret);
  }
  checkWhoMay(oauth, provider, isOpenId);
}

function providerOf(name: string): SsoProvider {
  if (name === '') throw new Error('missing provider');
  const known = ssoProviders.find((provider) => provider === name);
  if (known === undefined) throw new Error(`provider ${JSON.stringify(name)} is not currently supported`);
  return known;
}

function checkWhoMay(oauth: PlusOauthConfig, provider: SsoProvider, isOpenId: boolean): void {
  let restricted = oauth.permittedUserList || oauth.permittedUserMatch !== '';
  for (const [property, { key, providers }] of Object.entries(requirements)) {
    if (oauth[property as keyof typeof requirements] === '') continue;
    // Ignored, it would let in people who were meant to stay outside.
    if (!(providers as readonly SsoProvider[]).includes(provider))
      throw new Error(`${key} is not supported by provider '${provider}'`);
    restricted = true;
  }
  if (isOpenId && (oauth.requiredRole !== '' || oauth.roleGroupMap.length > 0))
    need('role_claim', oauth.roleClaim);
  if (!restricted) throw new Error('permitted_user_list OR permitted_user_match must be specified');
  if (oauth.permittedUserMatch === '') return;
  try {
    compileRegularExpression(oauth.permittedUserMatch);
  } catch (thrown) {
    throw new Error(`invalid permitted_user_match: ${reasonOf(thrown)}`);
  }
}

function need(key: string, value: string): void {
  if (value === '') throw new Error(`missing ${key}`);
}

function checkUrl(key: string, url: string): void {
  if (url === '') return;
  try {
    checkEndpoint(url);
  } catch (thrown) {
    throw new Error(`invalid ${key}: ${reasonOf(thrown)}`);
  }
}

const isPresent = (oauth: PlusOauthConfig): boolean =>
  Object.values(oauth).some((value) => (Array.isArray(value) ? value.length > 0 : Boolean(value)));
