/** What the actors of clients need from their surroundings. One per thread. */

import type { ClientRecords } from '../../clients/read-model.js';
import type { MonitoringConfig, ServerConfig } from '../../config/types.js';
import type { JobEvents } from '../../events/job-events.js';
import type { ClientId } from '../../ids.js';
import type { Logger } from '../../logging/logger.js';
import type { ServeFiles } from '../../protocol/sftp/serve-files.js';
import type { Store } from '../../store/store.js';
import type { StoredTunnel } from '../../tunnels/stored/stored-tunnel.js';
import type { JobAudit } from '../job/audit.js';
import type { ActorSystem } from '../runtime/types.js';
import type { TunnelDeps } from '../tunnel/create.js';

export interface ClientDeps {
  readonly system: ActorSystem;
  readonly server: ClientServerConfig;
  readonly monitoring: Pick<MonitoringConfig, 'enabled'>;
  readonly records: ClientRecords;
  readonly store: Pick<Store, 'clients' | 'measurements' | 'jobs' | 'flushed'>;
  readonly jobAudit: JobAudit;
  readonly jobEvents: JobEvents;
  readonly tunnels: TunnelDeps;
  /** What is to be open while a client is connected. */
  readonly storedTunnels: { autoOpen(client: ClientId): readonly StoredTunnel[] };
  readonly serveFiles: ServeFiles;
  readonly log: Pick<Logger, 'error' | 'info' | 'debug'>;
  /** Of this server. */
  readonly version: string;
  /** A new random UUID v4. */
  readonly newId: () => string;
}

export type ClientServerConfig = Pick<
  ServerConfig,
  | 'authMultiuseCreds'
  | 'equateClientauthidClientid'
  | 'maxRequestBytesClient'
  | 'purgeDisconnectedClients'
  | 'keepDisconnectedClients'
  | 'checkClientsConnectionInterval'
  | 'checkClientsConnectionTimeout'
>;
