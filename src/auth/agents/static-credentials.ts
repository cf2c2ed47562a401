import type { ClientAuth } from '../../config/types.js';
import type { CredentialSource } from './credential-source.js';
import { staticCredential } from './refusals.js';

/** The one credential of `server.auth`. */
export function staticCredentials(auth: ClientAuth): CredentialSource {
  return {
    source: 'Static Credentials',
    writable: false,
    lookup: (authId) => (authId === auth.id ? auth : undefined),
    list: () => [auth],
    add: () => Promise.reject(staticCredential()),
    remove: () => Promise.reject(staticCredential()),
    forget: () => undefined,
    close: () => Promise.resolve(),
  };
}
