/** The embedded store as the rest of the server sees it. Spec of durability: architecture §4. */

import type { CommandEntry, ScriptEntry } from '../library/entry.js';
import type { AgentCredentialRepository } from './agent-credentials.js';
import type { ApiTokenRepository } from './api-tokens.js';
import type { AuditRepository } from './audit-log.js';
import type { ClientGroupRepository } from './client-groups.js';
import type { ClientRepository } from './clients.js';
import type { Exclusively } from './exclusively.js';
import type { JobRepository } from './jobs.js';
import type { LibraryRepository } from './library.js';
import type { MeasurementRepository } from './measurements.js';
import type { MultiJobRepository } from './multi-jobs.js';
import type { NameTenureRepository } from './name-tenures.js';
import type { ScheduleRepository } from './schedules.js';
import type { SessionRepository } from './sessions.js';
import type { SettingRepository } from './settings.js';
import type { StoredTunnelRepository } from './stored-tunnels.js';
import type { TotpUseRepository } from './totp-uses.js';
import type { UploadRepository } from './uploads.js';
import type { UserGroupRepository } from './user-groups.js';
import type { UserRepository } from './users.js';
import type { VaultRepository } from './vault.js';
import type { WebhookDeadLetterRepository } from './webhook-dead-letters.js';
import type { WebhookQueueRepository } from './webhook-queue.js';

/** Promises of writes resolve when the write is committed (survives `kill -9`). Power loss: await `flushed`. */
export interface Store {
  readonly clients: ClientRepository;
  readonly clientGroups: ClientGroupRepository;
  readonly sessions: SessionRepository;
  readonly apiTokens: ApiTokenRepository;
  readonly measurements: MeasurementRepository;
  /** Small named values of the server itself: generated secrets, markers. */
  readonly settings: SettingRepository;
  readonly totpUses: TotpUseRepository;
  /** Accounts of the API, where the configuration names no other place for them. Spec 02 §18. */
  readonly users: UserRepository;
  readonly userGroups: UserGroupRepository;
  /** Of users wherever they are kept. */
  readonly nameTenures: NameTenureRepository;
  /** Spec 03 §8. */
  readonly agentCredentials: AgentCredentialRepository;
  /** Spec 03 §11. */
  readonly vault: VaultRepository;
  /** Spec 03 §10. */
  readonly libraryScripts: LibraryRepository<ScriptEntry>;
  readonly libraryCommands: LibraryRepository<CommandEntry>;
  readonly audit: AuditRepository;
  /** Spec 03 §9. */
  readonly storedTunnels: StoredTunnelRepository;
  /** Events on their way to webhooks. */
  readonly webhookQueue: WebhookQueueRepository;
  readonly webhookDeadLetters: WebhookDeadLetterRepository;
  /** Spec 04 §18. */
  readonly jobs: JobRepository;
  readonly multiJobs: MultiJobRepository;
  /** Spec 04 §15. */
  readonly schedules: ScheduleRepository;
  /** Files on their way to clients. Spec 04 §16.6. */
  readonly uploads: UploadRepository;
  readonly exclusively: Exclusively;
  /** Resolves when everything committed so far is on disk. */
  flushed(): Promise<void>;
  close(): Promise<void>;
}
