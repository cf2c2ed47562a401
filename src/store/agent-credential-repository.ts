/**
 * Table `agent_credentials`: what agents log in with, unless the configuration names another place. The value is the
 * password itself: it is shown to administrators. Spec 03 §8.
 */

import type { AgentCredential } from '../auth/agents/credential-source.js';
import type { AgentCredentialRepository } from './agent-credentials.js';
import { committed } from './commit.js';
import { checkKeyText, isKeyText } from './key.js';
import type { OpenedTables } from './tables.js';

export function createAgentCredentialRepository({
  agentCredentials,
}: OpenedTables): AgentCredentialRepository {
  const put = ({ id, password }: AgentCredential): void => {
    agentCredentials.put(id, password);
  };
  const isEmpty = (): boolean => {
    for (const _ of agentCredentials.getKeys({ limit: 1 })) return false;
    return true;
  };
  /** Writes what `work` decides to; resolves with whether it did. */
  const transaction = async (work: () => boolean): Promise<boolean> => {
    let done = false;
    await committed(
      agentCredentials.transaction(() => {
        done = work();
      }),
    );
    return done;
  };

  return {
    get(id) {
      if (!isKeyText(id)) return undefined;
      agentCredentials.resetReadTxn();
      return agentCredentials.get(id);
    },

    *all() {
      agentCredentials.resetReadTxn();
      for (const { key, value } of agentCredentials.getRange()) yield { id: key, password: value };
    },

    isEmpty() {
      agentCredentials.resetReadTxn();
      return isEmpty();
    },

    async addFirst(first) {
      for (const { id } of first) checkKeyText(id);
      return transaction(() => {
        if (!isEmpty()) return false;
        first.forEach(put);
        return true;
      });
    },

    async add(credential) {
      checkKeyText(credential.id);
      return transaction(() => {
        if (agentCredentials.get(credential.id) !== undefined) return false;
        put(credential);
        return true;
      });
    },

    async remove(id) {
      if (!isKeyText(id)) return false;
      return transaction(() => {
        if (agentCredentials.get(id) === undefined) return false;
        agentCredentials.remove(id);
        return true;
      });
    },
  };
}
