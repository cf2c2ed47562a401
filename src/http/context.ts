/** Everything a route handler may use. One per shard. */

import type { EventReaders } from '../actors/events/event-readers.js';
import type { MultiJobs } from '../actors/multi-job/multi-jobs.js';
import type { Webhooks } from '../actors/notifier/remote-notifier.js';
import type { ActorSystem } from '../actors/runtime/types.js';
import type { AuditLog } from '../audit/audit-log.js';
import type { Accounts } from '../auth/accounts/accounts.js';
import type { AgentCredentials } from '../auth/agents/agent-credentials.js';
import type { ApiAuth } from '../auth/api-auth.js';
import type { Guard } from '../auth/guard.js';
import type { SingleSignOn } from '../auth/sso/single-sign-on.js';
import type { UserProvider } from '../auth/users/provider.js';
import type { ClientGroups } from '../clients/groups/client-groups.js';
import type { ClientIndex, ClientRecords } from '../clients/read-model.js';
import type { Config } from '../config/types.js';
import type { Library } from '../library/library.js';
import type { Logger } from '../logging/logger.js';
import type { Schedules } from '../schedules/schedules.js';
import type { Store } from '../store/store.js';
import type { Clock } from '../time.js';
import type { StoredTunnels } from '../tunnels/stored/stored-tunnels.js';
import type { VaultList } from '../vault/list.js';
import type { Vault } from '../vault/vault.js';

export interface ApiContext {
  readonly config: Config;
  readonly actors: ActorSystem;
  readonly clients: ClientIndex;
  readonly clientRecords: ClientRecords;
  /** Changes of client groups; `clients` reads them. */
  readonly clientGroups: ClientGroups;
  readonly storedTunnels: StoredTunnels;
  /** Commands and scripts on several clients. */
  readonly multiJobs: MultiJobs;
  /** Changes of schedules, and when they are due; the store has the rest. */
  readonly schedules: Schedules;
  readonly store: Store;
  readonly auth: ApiAuth;
  /** Reading; changes go through `accounts`. */
  readonly users: UserProvider;
  readonly accounts: Accounts;
  readonly agentCredentials: AgentCredentials;
  readonly vault: Vault;
  /** Reads what is kept of its values in clear. */
  readonly vaultList: VaultList;
  /** `null`: users log in with passwords. */
  readonly sso: SingleSignOn | null;
  readonly library: Library;
  readonly eventReaders: EventReaders;
  readonly webhooks: Webhooks;
  readonly audit: AuditLog;
  readonly guard: Guard;
  readonly clock: Clock;
  readonly log: Logger;
  /** MD5 fingerprint of the SSH host key, colon-separated. */
  readonly fingerprint: string;
  readonly version: string;
}
