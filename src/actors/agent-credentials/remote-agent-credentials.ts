import type { CredentialChanges } from '../../auth/agents/agent-credentials.js';
import type { Milliseconds } from '../../time.js';
import { askActor } from '../ask.js';
import type { ActorSystem } from '../runtime/types.js';
import { type AgentCredentialsMessage, agentCredentialsRef } from './messages.js';

/** Disconnecting all clients of a credential takes up to 30 s, and another change may be waiting in front. */
const TIMEOUT: Milliseconds = 90_000;
const GONE = 'client credentials cannot be changed at the moment';

/** Changes of credentials as every thread makes them. */
export function remoteAgentCredentials(system: ActorSystem): CredentialChanges {
  const ask = (message: AgentCredentialsMessage): Promise<void> =>
    askActor<void>(system, agentCredentialsRef, message, TIMEOUT, GONE);
  return {
    add: (credential) => ask({ type: 'add', credential }),
    remove: (id, force) => ask({ type: 'remove', id, force }),
  };
}
