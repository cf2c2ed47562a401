import type { ClientAuth } from '../../config/types.js';
import type { CredentialSource } from './credential-source.js';

/** The one credential of `server.auth`. */
export function staticCredentials(auth: ClientAuth): CredentialSource {
  return {
    source: 'Static Credentials',
    lookup: (authId) => (authId === auth.id ? auth.password : undefined),
  };
}
