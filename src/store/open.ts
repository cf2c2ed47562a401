/** Opens the embedded store. Architecture §4. */

import type { Logger } from '../logging/logger.js';
import { type Clock, systemClock } from '../time.js';
import { createAgentCredentialRepository } from './agent-credential-repository.js';
import { createApiTokenRepository } from './api-token-repository.js';
import { createAuditRepository } from './audit-repository.js';
import { createClientGroupRepository } from './client-group-repository.js';
import { createClientRepository } from './client-repository.js';
import { createExclusively } from './exclusively.js';
import { createJobRepository } from './job-repository.js';
import { commandCodec, scriptCodec } from './library-codec.js';
import { createLibraryRepository } from './library-repository.js';
import { createMeasurementRepository } from './measurement-repository.js';
import { createMultiJobRepository } from './multi-job-repository.js';
import { createNameTenureRepository } from './name-tenure-repository.js';
import { createScheduleRepository } from './schedule-repository.js';
import { migrate } from './schema.js';
import { createSessionRepository } from './session-repository.js';
import { createSettingRepository } from './setting-repository.js';
import type { Store } from './store.js';
import { createStoredTunnelRepository } from './stored-tunnel-repository.js';
import { openTables } from './tables.js';
import { createTotpUseRepository } from './totp-use-repository.js';
import { TransactionBatch } from './transaction-batch.js';
import { createUploadRepository } from './upload-repository.js';
import { createUserGroupRepository } from './user-group-repository.js';
import { createUserRepository } from './user-repository.js';
import { createVaultRepository } from './vault-repository.js';
import { createWebhookDeadLetterRepository, createWebhookQueueRepository } from './webhook-repository.js';

export interface StoreOptions {
  readonly log: Logger;
  /** Times the batches of measurements. Default: the system clock. */
  readonly clock?: Clock;
}

/**
 * Opens or creates the store under `dataDir`. Every thread of the process opens its own; a thread sees what
 * another one has committed. `flushed()` speaks for the writes of this thread.
 * Throws `StoreVersionError` for a store of a newer server, or what LMDB and the file system say.
 */
export function openStore(dataDir: string, options: StoreOptions): Store {
  const { log, clock = systemClock } = options;
  const tables = openTables(dataDir);
  try {
    migrate(tables);
  } catch (error) {
    tables.root.close().catch((reason) => log.error(`closing the store: ${String(reason)}`));
    throw error;
  }
  const measurements = createMeasurementRepository(tables, clock, log);
  const batch = new TransactionBatch(tables.root);
  let closing: Promise<void> | undefined;

  const close = async (): Promise<void> => {
    try {
      await measurements.written();
      await batch.written();
      await tables.root.flushed;
    } catch (error) {
      log.error(`closing the store: ${error instanceof Error ? error.message : String(error)}`);
    }
    await tables.root.close();
  };

  return {
    clients: createClientRepository(tables, log),
    clientGroups: createClientGroupRepository(tables, log),
    sessions: createSessionRepository(tables),
    apiTokens: createApiTokenRepository(tables),
    measurements,
    settings: createSettingRepository(tables),
    totpUses: createTotpUseRepository(tables),
    users: createUserRepository(tables, log),
    nameTenures: createNameTenureRepository(tables),
    userGroups: createUserGroupRepository(tables, log),
    agentCredentials: createAgentCredentialRepository(tables),
    vault: createVaultRepository(tables, log),
    libraryScripts: createLibraryRepository(tables, 'script', scriptCodec, log),
    libraryCommands: createLibraryRepository(tables, 'command', commandCodec, log),
    audit: createAuditRepository(tables),
    storedTunnels: createStoredTunnelRepository(tables, log),
    webhookQueue: createWebhookQueueRepository(tables),
    webhookDeadLetters: createWebhookDeadLetterRepository(tables),
    jobs: createJobRepository(tables, batch, log),
    multiJobs: createMultiJobRepository(tables, batch, log),
    schedules: createScheduleRepository(tables, batch, log),
    uploads: createUploadRepository(tables, batch, log),
    exclusively: createExclusively(tables.root),
    async flushed() {
      await tables.root.flushed;
    },
    close() {
      closing ??= close();
      return closing;
    },
  };
}
