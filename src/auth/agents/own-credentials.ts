/** Credentials in the server's own store: what it goes by when the configuration names no other place. */

import type { Store } from '../../store/store.js';
import type { CredentialSource } from './credential-source.js';
import { credentialExists, unknownCredential } from './refusals.js';

/** Nothing is remembered here: a read costs microseconds and sees every thread and process. */
export function ownCredentials(store: Pick<Store, 'agentCredentials' | 'flushed'>): CredentialSource {
  const { agentCredentials } = store;
  return {
    source: 'DB',
    writable: true,
    lookup(id) {
      const password = agentCredentials.get(id);
      return password === undefined ? undefined : { id, password };
    },
    list: () => [...agentCredentials.all()],
    async add(credential) {
      if (!(await agentCredentials.add(credential))) throw credentialExists(credential.id);
      await store.flushed();
    },
    async remove(id) {
      if (!(await agentCredentials.remove(id))) throw unknownCredential(id);
      await store.flushed();
    },
    forget: () => undefined,
    close: () => Promise.resolve(),
  };
}
