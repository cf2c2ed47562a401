/** Whom an ID token names. OpenID Connect Core §3.1.3.7. */

import {
  createRemoteJWKSet,
  customFetch,
  errors,
  type JWTPayload,
  type JWTVerifyGetKey,
  jwtVerify,
} from 'jose';
import type { Clock, Seconds } from '../../time.js';
import { sameText } from '../same-text.js';
import type { Endpoints } from './endpoints.js';
import { ProviderFailure, ProviderRefusal } from './provider-error.js';
import type { JsonObject, ProviderHttp } from './provider-http.js';

const ALGORITHMS = ['RS256', 'ES256'];
/** Clocks of two machines differ. */
const TOLERANCE: Seconds = 60;

export interface IdTokenCheck {
  /**
   * The claims. `nonce` `null`: the request had none (device login). Throws `ProviderRefusal` when the token is no good,
   * `ProviderFailure` when the keys cannot be had.
   */
  verify(idToken: string, nonce: string | null, endpoints: Endpoints): Promise<JsonObject>;
}

export function makeIdTokenCheck(clientId: string, http: ProviderHttp, clock: Clock): IdTokenCheck {
  let keys: { readonly url: string; readonly get: JWTVerifyGetKey } | null = null;
  const keysAt = (url: string): JWTVerifyGetKey => {
    if (keys?.url !== url) {
      const get = createRemoteJWKSet(new URL(url), {
        [customFetch]: async (address: string) => {
          const { status, body } = await http(address, { headers: { accept: 'application/json' } });
          if (status !== 200) throw new ProviderFailure(`GET ${url}: answered ${status}`);
          return new Response(body, { status });
        },
      });
      keys = { url, get };
    }
    return keys.get;
  };

  return {
    async verify(idToken, nonce, { jwks, issuers }) {
      const claims = await verified(idToken, keysAt(jwks), {
        issuer: [...issuers],
        audience: clientId,
        algorithms: ALGORITHMS,
        requiredClaims: ['exp', 'iat', 'sub'],
        clockTolerance: TOLERANCE,
        currentDate: new Date(clock.now()),
      });
      // Of several audiences, the one that asked is named.
      const several = Array.isArray(claims.aud) && claims.aud.length > 1;
      if ((several || claims.azp !== undefined) && claims.azp !== clientId)
        throw refusal('unexpected "azp" claim value');
      if (nonce !== null && !(typeof claims.nonce === 'string' && sameText(claims.nonce, nonce)))
        throw refusal('unexpected "nonce" claim value');
      return claims;
    },
  };
}

async function verified(
  idToken: string,
  keys: JWTVerifyGetKey,
  options: Parameters<typeof jwtVerify>[2],
): Promise<JWTPayload> {
  try {
    return (await jwtVerify(idToken, keys, options)).payload;
  } catch (error) {
    if (error instanceof ProviderFailure) throw error;
    const bad = error instanceof errors.JOSEError && !unreadableKeys.has(error.code);
    throw bad
      ? refusal(error.message)
      : new ProviderFailure(`keys of ID tokens: ${(error as Error).message}`);
  }
}

/** Not the token's fault. */
const unreadableKeys: ReadonlySet<string> = new Set([
  errors.JWKSTimeout.code,
  errors.JWKSInvalid.code,
  errors.JOSEError.code,
]);

const refusal = (reason: string): ProviderRefusal => new ProviderRefusal(200, 'invalid ID token', reason, '');
