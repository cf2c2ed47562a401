/** The embedded store as the rest of the server sees it. Spec of durability: architecture §4. */

import type { AuditArchive, AuditContent, AuditHead, IndexedColumn } from '../audit/entry.js';
import type { AgentCredential } from '../auth/agents/credential-source.js';
import type { TotpUse } from '../auth/second-factor/totp/match.js';
import type { User } from '../auth/users/provider.js';
import type { ClientGroup } from '../clients/groups/group.js';
import type { ClientRecord } from '../clients/record.js';
import type { ClientId, JobId, ScheduleId } from '../ids.js';
import type { JobOrder, JobProgress, JobReport, JobRow, OutputName } from '../jobs/job.js';
import type { MultiJob, MultiJobSummary } from '../jobs/multi-job.js';
import type { CommandEntry, LibraryEntry, ScriptEntry, Stored } from '../library/entry.js';
import type { Schedule } from '../schedules/schedule.js';
import type { Instant, Milliseconds } from '../time.js';
import type { PortHolder, StoredTunnel } from '../tunnels/stored/stored-tunnel.js';
import type { Upload } from '../uploads/upload.js';
import type { VaultEntry, VaultTexts } from '../vault/entry.js';
import type { CurrentVault, ImportedVault, VaultStatus } from '../vault/status.js';

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
  /** Resolves when everything committed so far is on disk. */
  flushed(): Promise<void>;
  close(): Promise<void>;
}

export interface ClientRepository {
  get(id: ClientId): ClientRecord | undefined;
  put(record: ClientRecord): Promise<void>;
  /** With its stored tunnels and the ports they have, in one transaction. */
  remove(id: ClientId): Promise<void>;
  all(): Iterable<ClientRecord>;
}

export interface ClientGroupRepository {
  get(id: string): ClientGroup | undefined;
  /** Resolves `false`, and writes nothing, when there is a group of that id. */
  add(group: ClientGroup): Promise<boolean>;
  put(group: ClientGroup): Promise<void>;
  remove(id: string): Promise<void>;
  all(): Iterable<ClientGroup>;
}

/** A login session of the API. Spec 02 §6.5. */
export interface SessionRecord {
  /** Unguessable integer below 2^53, never reused. */
  readonly id: number;
  /** `jti` of the one token this session belongs to; empty in imported rows. */
  readonly tokenId: string;
  /** Whose session it is at present; a rename changes it. */
  readonly username: string;
  /** The name in the token, which a rename cannot change. */
  readonly issuedTo: string;
  /** The login waits for its second step. */
  readonly pending: boolean;
  readonly expiresAt: Milliseconds;
  readonly lastAccessAt: Milliseconds;
  readonly userAgent: string;
  readonly ipAddress: string;
}

/** What a use of a session changes. */
export type SessionUse = Pick<SessionRecord, 'expiresAt' | 'lastAccessAt' | 'userAgent' | 'ipAddress'>;

export interface SessionRepository {
  get(id: number): SessionRecord | undefined;
  /**
   * `most`: sessions a user may have that wait for a second step, and as many that do not; beyond it those of the
   * same kind end that were not used for the longest.
   */
  put(record: SessionRecord, most?: number): Promise<void>;
  /**
   * Changes the row in one transaction; it never ends earlier by that. Resolves `false`, and writes nothing, when
   * there is no such row any more: a use of a token that crosses its logout must not bring the session back.
   */
  touch(id: number, change: SessionUse): Promise<boolean>;
  remove(id: number): Promise<void>;
  /** Like `remove`, but only when it is a session of this user. */
  removeOf(username: string, id: number): Promise<void>;
  removeExpired(now: Milliseconds): Promise<number>;
  byUser(username: string): Iterable<SessionRecord>;
  /** Ends all sessions of a user in one transaction. Before a user is added, too: he inherits none. */
  removeUser(username: string): Promise<void>;
  /** Ends the sessions of a user that wait for a second step. */
  removePending(username: string): Promise<void>;
  /**
   * Gives all sessions of `from` to `to` in one transaction; their tokens stay valid. What `to` had is removed.
   * Throws `AppError` 400 when `to` cannot be stored.
   */
  renameUser(from: string, to: string): Promise<void>;
}

/** A personal API token. Spec 02 §10. */
export interface ApiTokenRecord {
  readonly username: string;
  /** Eight characters; the readable part of the token. */
  readonly prefix: string;
  /** Unique among the tokens of a user. */
  readonly name: string;
  /** `read`, `read+write` or `clients-auth`; anything else allows nothing. */
  readonly scope: string;
  readonly createdAt: Milliseconds;
  /** `null` = never. */
  readonly expiresAt: Milliseconds | null;
  /** Of the secret part. */
  readonly hash: string;
}

export interface ApiTokenRepository {
  get(username: string, prefix: string): ApiTokenRecord | undefined;
  /** Sorted by prefix. */
  byUser(username: string): readonly ApiTokenRecord[];
  /** `most`: tokens a user may have. Throws `AppError` 400 when the name of the user cannot be stored. */
  add(record: ApiTokenRecord, most: number): Promise<'added' | 'prefix_taken' | 'name_taken' | 'too_many'>;
  /** Absent fields stay as they are. */
  change(
    username: string,
    prefix: string,
    change: Partial<Pick<ApiTokenRecord, 'name' | 'expiresAt'>>,
  ): Promise<'changed' | 'missing' | 'name_taken'>;
  /** Resolves with whether there was one. */
  remove(username: string, prefix: string): Promise<boolean>;
  /** Removes all tokens of a user in one transaction. Before a user is added, too: he inherits none. */
  removeUser(username: string): Promise<void>;
  /** Like `SessionRepository.renameUser`. */
  renameUser(from: string, to: string): Promise<void>;
}

/** The numbers of one measurement. Spec 01 §8.4. */
export interface MeasuredNumbers {
  /** Of this server. */
  readonly timestamp: Milliseconds;
  readonly cpuUsagePercent: number;
  readonly memoryUsagePercent: number;
  readonly ioUsagePercent: number;
  /** Bytes per second; `null` where the agent has no such card. */
  readonly netLan: { readonly in: number; readonly out: number } | null;
  readonly netWan: { readonly in: number; readonly out: number } | null;
}

/** One measurement as the agent sent it, with server time. */
export interface Measurement extends MeasuredNumbers {
  readonly clientId: ClientId;
  /** JSON text of an array, or empty. As the agent says: it may be anything. */
  readonly processes: string;
  /** JSON text of an object, or empty. As the agent says: it may be anything. */
  readonly mountpoints: string;
}

/**
 * The inside of a JSON string, UTF-8, as it was received. It need not be well-formed; then it stands for itself.
 */
export type EscapedText = Buffer;

/** A measurement to be stored; the store copies what it needs. */
export interface NewMeasurement extends Omit<Measurement, 'processes' | 'mountpoints'> {
  readonly processes: string | EscapedText;
  readonly mountpoints: string | EscapedText;
}

export type MeasuredText = 'processes' | 'mountpoints';

/** Half-open: `from` belongs to it, `to` does not. */
export interface TimeSpan {
  readonly from: Milliseconds;
  readonly to: Milliseconds;
}

/** Which rows of a span, by their places in the direction. Default: all, oldest first. */
export interface RowsPart {
  readonly newestFirst?: boolean;
  readonly offset?: number;
  readonly limit?: number;
}

/** Reads see what every thread has committed. */
export interface MeasurementRepository {
  /** Queues the row for the next batch; may be lost up to one second before a crash. */
  append(measurement: NewMeasurement): void;
  /** Touches no texts. Read while iterated, so others may have their turn in between. */
  numbers(id: ClientId, span: TimeSpan, part?: RowsPart): Iterable<MeasuredNumbers>;
  /** One of the texts of each measurement, read while iterated. */
  texts(
    id: ClientId,
    span: TimeSpan,
    which: MeasuredText,
    part?: RowsPart,
  ): Iterable<{ readonly timestamp: Milliseconds; readonly text: string }>;
  /** Everything of each, oldest first; both ends included. */
  range(id: ClientId, from: Milliseconds, to: Milliseconds): Iterable<Measurement>;
  /** Counts keys, in pieces of about a millisecond. */
  count(id: ClientId, span: TimeSpan): Generator<void, number>;
  removeBefore(cutoff: Milliseconds): Promise<number>;
  removeClient(id: ClientId): Promise<void>;
}

export interface SettingRepository {
  get(name: string): string | undefined;
  put(name: string, value: string): Promise<void>;
}

export type UserChanged = 'changed' | 'unknown' | 'taken';

/**
 * Reads see what every thread and process has committed, and give the same object for as long as a row is the same.
 * Writes throw `AppError` 400 for a name that cannot be a key.
 */
export interface UserRepository {
  get(username: string): User | undefined;
  /** Sorted by name. */
  all(): Iterable<User>;
  isEmpty(): boolean;
  /** All of them, unless there is any user: then `false`, and nothing is written. */
  addFirst(users: readonly User[]): Promise<boolean>;
  /** `false`, and nothing is written, when the name is taken. */
  add(user: User): Promise<boolean>;
  /** Absent fields stay. Nothing is written unless `changed`; `taken` is the new name. */
  change(username: string, change: Partial<User>): Promise<UserChanged>;
  /** `false` when there is no such user. */
  remove(username: string): Promise<boolean>;
}

/** What the members of a group may do. Spec 02 §14.2. */
export interface UserGroupRecord {
  readonly name: string;
  /** Names of what is granted. */
  readonly permissions: readonly string[];
  readonly tunnelsRestricted: Readonly<Record<string, unknown>> | null;
  readonly commandsRestricted: Readonly<Record<string, unknown>> | null;
}

/** Reads and writes as in `UserRepository`. */
export interface UserGroupRepository {
  get(name: string): UserGroupRecord | undefined;
  /** Sorted by name. */
  all(): Iterable<UserGroupRecord>;
  /** Adds or replaces. */
  put(group: UserGroupRecord): Promise<void>;
  /** Removes the row and takes all users out of the group, in one transaction. */
  remove(name: string): Promise<void>;
}

/** Reads and writes as in `UserRepository`. */
export interface AgentCredentialRepository {
  /** The password of a client auth id. */
  get(id: string): string | undefined;
  /** Sorted by id. */
  all(): Iterable<AgentCredential>;
  isEmpty(): boolean;
  /** All of them, unless there is any credential: then `false`, and nothing is written. */
  addFirst(credentials: readonly AgentCredential[]): Promise<boolean>;
  /** `false`, and nothing is written, when the id is taken. */
  add(credential: AgentCredential): Promise<boolean>;
  /** `false` when there is no such credential. */
  remove(id: string): Promise<boolean>;
}

/** Where a row is in the order of creation. */
export interface LibraryPlace {
  readonly place: Milliseconds;
  readonly id: string;
}

export interface LibraryRow<Entry> extends LibraryPlace {
  /** `undefined`: the row is unreadable. */
  readonly entry: Entry | undefined;
  /** Length of the row as stored. */
  readonly bytes: number;
}

export type LibraryChanged<Entry extends LibraryEntry> =
  | { readonly result: 'changed'; readonly stored: Stored<Entry> }
  | { readonly result: 'unknown' | 'name_taken' };

/** Reads see what every thread and process has committed. Every change is one transaction. */
export interface LibraryRepository<Entry extends LibraryEntry> {
  /** One more after every change. */
  version(): number;
  /** Ids of what changed after `version`, each as it is now, `undefined` = gone; `null` when that is too long ago. */
  changesSince(version: number): ReadonlyMap<string, Entry | undefined> | null;
  count(): number;
  get(id: string): Stored<Entry> | undefined;
  /** What the entry runs. */
  text(id: string): string | undefined;
  /**
   * The next rows behind `after`, or those from `offset` on, in the order of creation; what came at the same time by
   * id. Rows that are skipped are not read.
   */
  chunk(part: {
    readonly reverse: boolean;
    readonly after?: LibraryPlace;
    readonly offset?: number;
    readonly limit: number;
  }): readonly LibraryRow<Entry>[];
  /** `false`, and nothing is written, when the name is taken. */
  add(stored: Stored<Entry>): Promise<boolean>;
  /** Nothing is written unless `changed`. `change` keeps id and creation. */
  change(id: string, change: (old: Entry) => Stored<Entry>): Promise<LibraryChanged<Entry>>;
  /** `false` when there is no such entry. */
  remove(id: string): Promise<boolean>;
}

/** A part of the log by sequence numbers, both included. */
export interface AuditRange {
  readonly from: number;
  readonly to: number;
  readonly reverse?: boolean;
  readonly limit: number;
}

/**
 * The audit log. Written by one actor only. Reads after `state` in the same turn of the event loop see what it saw;
 * rows up to `archive.rotated` do not count any more, even where they are still there.
 */
export interface AuditRepository {
  /** Adds entries behind the last one, all or none. */
  append(contents: readonly (AuditContent & { readonly timestamp: Milliseconds })[]): Promise<void>;
  state(): { readonly head: AuditHead; readonly archive: AuditArchive };
  saveArchive(archive: AuditArchive): Promise<void>;
  /** The text of an entry, see `audit/chain.ts`. */
  line(seq: number): string | undefined;
  lines(range: AuditRange): readonly { readonly seq: number; readonly line: string }[];
  /** Sequence numbers of the entries with this user name or client id. */
  places(column: IndexedColumn, text: string, range: AuditRange): readonly number[];
  /** Removes entries up to `last`, at most `limit` of them; resolves with how many. */
  removeThrough(last: number, limit: number): Promise<number>;
}

/** `outdated`: the row is gone or another one by now. Nothing is written unless `changed`. */
export type StoredTunnelChanged = 'changed' | 'outdated' | 'port_taken';

export interface StoredTunnelRepository {
  get(client: ClientId, id: string): StoredTunnel | undefined;
  count(client: ClientId): number;
  /** In no particular order, read as they are asked for. */
  of(client: ClientId): Iterable<StoredTunnel>;
  /**
   * `most`: how many a client may have. Nothing is written unless `added`. `port_taken`: another stored tunnel that
   * opens by itself has the public port. Throws `AppError` 400 when the client's id cannot be stored.
   */
  add(stored: StoredTunnel, most: number): Promise<'added' | 'no_client' | 'too_many' | 'port_taken'>;
  replace(before: StoredTunnel, stored: StoredTunnel): Promise<StoredTunnelChanged>;
  remove(before: StoredTunnel): Promise<StoredTunnelChanged>;
  /** Which stored tunnel has the port for itself. */
  holder(port: number): PortHolder | undefined;
  ports(): Iterable<readonly [port: number, holder: PortHolder]>;
}

/** A job to be stored: running, or failed before it ran. */
export interface NewJob {
  readonly order: JobOrder;
  readonly progress: JobProgress;
  /** When a running one should have reported. */
  readonly deadline: Milliseconds;
}

/**
 * Called inside the transaction for each job that begins or ends with it, in that order: what it writes there is
 * committed together with the job. Must not throw.
 */
export type JobWatcher = (change: 'started' | 'finished', row: JobRow) => void;

/** Part of a list in the order of `finished_at` descending with the unfinished last, then `jid`. Spec 04 §7.6. */
export interface JobRange {
  scan(part: { readonly offset?: number; readonly limit?: number }): Iterable<JobRow>;
  count(): number;
}

/** Reads see what every thread has committed. Writes of one turn of the event loop are one transaction. */
export interface JobRepository {
  get(jid: JobId): JobRow | undefined;
  /** The command or script as a JSON text. */
  command(row: JobRow): string;
  /** An output as a JSON text. */
  output(row: JobRow, name: OutputName): string;
  ofClient(id: ClientId): JobRange;
  ofMultiJob(id: JobId): JobRange;
  /** Keeps the row there is, if there is one: the agent may have reported first. */
  create(job: NewJob, watcher?: JobWatcher): Promise<void>;
  /**
   * The end as the agent reports it. `created`: what to store it with when the job is not stored yet. Resolves with
   * the row, or `null` when nothing was written: no such job of this client, or it had reported before.
   */
  report(
    jid: JobId,
    clientId: ClientId,
    report: JobReport,
    created: NewJob | null,
    watcher?: JobWatcher,
  ): Promise<JobRow | null>;
  /** Ends running jobs whose deadline has passed as `unknown`, `limit` of them at most. Resolves with those. */
  expire(now: Milliseconds, limit: number, watcher?: JobWatcher): Promise<readonly JobRow[]>;
  removeClient(id: ClientId): Promise<void>;
  /** Whether a job of this schedule runs that has not come to its time-out yet, by the clock of the server. */
  runsForSchedule(id: ScheduleId, now: Milliseconds): boolean;
  /** All multi-jobs of a schedule with all their jobs, in pieces. */
  removeSchedule(id: ScheduleId): Promise<void>;
  /**
   * Removes jobs beyond the newest `keep` and multi-jobs with all their jobs, by the rules of spec 04 §18.3, and
   * multi-jobs without any that began before `emptyBefore`. Resolves with the number of jobs.
   */
  prune(keep: number, emptyBefore: Milliseconds): Promise<number>;
}

export interface MultiJobRepository {
  get(jid: JobId): MultiJob | undefined;
  put(multiJob: MultiJob): Promise<void>;
  /** The newest start first, to the second, then by id. */
  scan(part: { readonly offset?: number; readonly limit?: number }): Iterable<MultiJobSummary>;
  count(): number;
  /** Of one schedule, the newest start first. */
  ofSchedule(id: ScheduleId): Iterable<JobId>;
  /** Schedules that have multi-jobs, whether they still exist or not. */
  scheduleIds(): Iterable<ScheduleId>;
}

/** Schedules, which one actor changes. Reads see what every thread has committed. */
export interface ScheduleRepository {
  get(id: ScheduleId): Schedule | undefined;
  /** Also where the row cannot be read. */
  exists(id: ScheduleId): boolean;
  add(schedule: Schedule): Promise<void>;
  /** Resolves with the row that `change` has made; `undefined` and nothing written when there is none. */
  change(id: ScheduleId, change: (before: Schedule) => Schedule): Promise<Schedule | undefined>;
  /** `false`: there is none. */
  remove(id: ScheduleId): Promise<boolean>;
  /** In the order of their creation; reading may pause between any two of them. */
  scan(part: {
    readonly reverse?: boolean;
    readonly offset?: number;
    readonly limit?: number;
  }): Iterable<Schedule>;
  count(): number;
}

/** What is known of a distribution that did not come to its end. */
export interface UnfinishedUpload {
  readonly upload: Upload;
  /** Clients without a result. */
  readonly clientIds: readonly ClientId[];
}

/** Distributions under way, so that the next server knows what became of them. */
export interface UploadRepository {
  /** The file is to go to these clients. */
  begin(upload: Upload, clientIds: readonly ClientId[]): Promise<void>;
  /** This one has its result. */
  done(id: string, client: ClientId): Promise<void>;
  /** Nothing is left to be done; its id is free again. */
  end(id: string): Promise<void>;
  /** Those of the server before, as long as this one has begun none. */
  unfinished(): Iterable<UnfinishedUpload>;
  /** Forgets all of them. */
  clear(): Promise<void>;
}

/** One event for one webhook. */
export interface QueuedDelivery {
  readonly webhook: string;
  /** Its id. */
  readonly event: string;
  readonly clientId: ClientId;
  readonly type: string;
  /** The complete JSON. */
  readonly text: string;
  readonly queuedAt: Milliseconds;
}

/** One that was given up. */
export interface DeadLetter extends QueuedDelivery {
  readonly reason: string;
  /** Since the server started. */
  readonly attempts: number;
  readonly givenUpAt: Milliseconds;
}

export interface WebhookQueueRepository {
  add(delivery: QueuedDelivery): Promise<void>;
  /** In the order of events; `read` gives `undefined` for a row that cannot be used. */
  oldest(webhook: string): Iterable<{
    readonly event: string;
    read(): QueuedDelivery | undefined;
  }>;
  remove(webhook: string, events: readonly string[]): Promise<void>;
  count(webhook: string): number;
  /** Those with any row. */
  webhooks(): readonly string[];
  /** The highest event id of all rows. */
  highest(): string | undefined;
}

export interface WebhookDeadLetterRepository {
  /** Takes them out of the queue, in one transaction. */
  bury(letters: readonly DeadLetter[]): Promise<void>;
  /** Puts the oldest ones, `most` of them, into the queue again as if new; resolves with their number. */
  redeliver(webhook: string, now: Milliseconds, most: number): Promise<number>;
  removeOldest(webhook: string, number: number): Promise<void>;
  /** Sorted by webhook and event. */
  all(order: { readonly reverse: boolean }): Iterable<DeadLetter>;
  count(webhook: string): number;
  total(): number;
  highest(): string | undefined;
}

/** Codes of authenticator apps that must not be used again, nor any before them. */
export interface TotpUseRepository {
  /** The time step of the last one. */
  lastStep(key: string): number | undefined;
  /** Resolves when that would survive a power loss. Rows that end before `now` are removed. */
  put(use: TotpUse, now: Milliseconds): Promise<void>;
}

/** What a value becomes when it is written: with everything but the id, which the store gives. */
export type NewVaultEntry = Omit<VaultEntry, 'id'>;

/** Seals a value for its place. `null`: the vault has been locked meanwhile. Called inside of a transaction. */
export type SealEntry = (entry: VaultEntry) => Buffer | null;

export type VaultStored =
  | { readonly kind: 'stored'; readonly entry: VaultEntry }
  /** Nothing was written. */
  | { readonly kind: 'locked' | 'key_taken' | 'full' };

/** What a change of an existing value came to; nothing was written unless `stored` or `removed`. */
export type VaultChanged = VaultStored | { readonly kind: 'missing' | 'forbidden' };
export type VaultRemoved =
  | { readonly kind: 'removed'; readonly entry: VaultEntry }
  | { readonly kind: 'locked' | 'missing' | 'forbidden' };

/** A sealed value with what is kept of it in clear. */
export interface VaultRow {
  readonly entry: VaultEntry;
  readonly sealed: Buffer;
}

/**
 * The vault: values as they are sealed, never in clear. Every change is one transaction, whoever else changes
 * something meanwhile. Reads see what every thread and process has committed.
 */
export interface VaultRepository {
  /** `undefined`: there is no vault yet. Throws `Error` for a row that cannot be read. */
  status(): VaultStatus | undefined;
  /** `false`, and nothing is written, when there is a vault. */
  init(status: CurrentVault): Promise<boolean>;
  /** Like `init`, with values under ids of their own; `nextId` is above all that were ever given. */
  importVault(status: ImportedVault, rows: readonly VaultRow[], nextId: number): Promise<boolean>;
  /**
   * Puts a vault of this server in the place of the imported one, with its values as they are sealed now. `false`, and
   * nothing is written, when the vault is another one by now.
   */
  upgrade(
    from: ImportedVault,
    to: CurrentVault,
    rows: readonly { readonly id: number; readonly sealed: Buffer }[],
  ): Promise<boolean>;
  get(id: number): VaultRow | undefined;
  /** In the order of ids; reading may pause between any two of them. */
  entries(): Iterable<VaultEntry>;
  count(): number;
  /** `most`: values there may be. */
  add(entry: NewVaultEntry, seal: SealEntry, most: number): Promise<VaultStored>;
  /** `may` looks at the value as it is. */
  replace(
    id: number,
    change: VaultTexts & Pick<VaultEntry, 'updatedAt' | 'updatedBy'>,
    may: (stored: VaultEntry) => boolean,
    seal: SealEntry,
  ): Promise<VaultChanged>;
  /** `locked` is asked inside of the transaction. */
  remove(id: number, may: (stored: VaultEntry) => boolean, locked: () => boolean): Promise<VaultRemoved>;
}

export type { Instant };
