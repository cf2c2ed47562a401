/** Messages of the `agent-credentials` actor: one, on main, the only one that changes credentials of agents. */

import type { CredentialChanges } from '../../auth/agents/agent-credentials.js';
import type { ActorRef } from '../runtime/types.js';

export const agentCredentialsRef: ActorRef = { kind: 'agent-credentials', id: 'main' };

/** Published after every change; carries nothing. What a thread remembers of credentials ends with it. */
export const AGENT_CREDENTIALS_TOPIC = 'agent-credentials';

/** Reply: nothing, once the change is on disk and every thread goes by it. */
export type AgentCredentialsMessage =
  | { readonly type: 'add'; readonly credential: Parameters<CredentialChanges['add']>[0] }
  | { readonly type: 'remove'; readonly id: string; readonly force: boolean };
