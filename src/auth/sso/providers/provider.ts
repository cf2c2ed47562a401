/** What providers differ in: how they say who has signed in. Spec 02 §20.8. */

import type { PlusOauthConfig } from '../../../config/types.js';
import type { Endpoints } from '../endpoints.js';
import type { IdTokenCheck } from '../id-token.js';
import type { ProviderHttp } from '../provider-http.js';
import type { Application, Tokens } from '../token-endpoint.js';

/** Bases of the providers' own APIs; no setting: tests put their servers there. */
export interface ProviderApis {
  readonly github: string;
  readonly microsoft: string;
  readonly googleUser: string;
  readonly googleGroups: string;
}

export const publicApis: ProviderApis = {
  github: 'https://api.github.com',
  microsoft: 'https://graph.microsoft.com/v1.0',
  googleUser: 'https://openidconnect.googleapis.com/v1/userinfo',
  googleGroups: 'https://cloudidentity.googleapis.com/v1',
};

export interface ProviderTools {
  readonly oauth: PlusOauthConfig;
  readonly http: ProviderHttp;
  readonly apis: ProviderApis;
  readonly idTokens: IdTokenCheck;
}

/** Nothing in it is trusted to be well-formed yet. */
export interface Identity {
  readonly username: unknown;
  /** Organizations, groups or roles; `null`: not asked, or the provider cannot tell in this kind of login. */
  readonly memberships: readonly string[] | null;
}

/** Where tokens came from. */
export interface TokenOrigin {
  readonly flow: 'web' | 'device';
  /** `null` in a device login. */
  readonly nonce: string | null;
  readonly endpoints: Endpoints;
}

export interface IdentityProvider {
  readonly scope: string;
  readonly deviceScope: string;
  readonly deviceApplication: Application;
  /** Status of its refusals while a device login waits, for those this server answers itself. */
  readonly refusalStatus: number;
  /** A nonce is sent and expected in an ID token. */
  readonly readsIdToken: boolean;
  /** A device login says nothing about memberships. */
  readonly deviceHidesMemberships: boolean;
  /** What one must be a member of; empty = nothing. */
  readonly required: string;
  /** The refusal of those who are not. */
  readonly requiredTitle: string;
  sameMembership(left: string, right: string): boolean;
  /** Throws `ProviderRefusal`, `ProviderFailure`. */
  identify(tokens: Tokens, origin: TokenOrigin): Promise<Identity>;
}

export const webApplication = ({ clientId, clientSecret }: PlusOauthConfig): Application => ({
  clientId,
  clientSecret,
});

/** Memberships cost requests: asked for only where they decide something. */
export const needsMemberships = (oauth: PlusOauthConfig, required: string): boolean =>
  required !== '' || oauth.roleGroupMap.length > 0;

export const sameExactly = (left: string, right: string): boolean => left === right;
export const sameInAnyCase = (left: string, right: string): boolean =>
  left.toLowerCase() === right.toLowerCase();
