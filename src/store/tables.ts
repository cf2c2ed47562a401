/** The LMDB environment and its tables. */

import { chmodSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Database, open, type RootDatabase } from 'lmdb';
import { assertStoreFile } from './recognise.js';

/** Every thread holds one reader slot, tools such as a backup some more; a slot costs 64 bytes. */
const MAX_READERS = 512;
/** Tables of this and of coming versions; an unused slot costs nothing worth counting. */
const MAX_TABLES = 64;
const DIRECTORY_MODE = 0o700;
const FILE_MODE = 0o600;

export type MeasurementKey = [client: string, timestamp: number, sequence: number];

export interface OpenedTables {
  readonly root: RootDatabase;
  /** Schema version. */
  readonly meta: Database<string, string>;
  /** Client id → JSON. */
  readonly clients: Database<string, string>;
  /** Group id → JSON. */
  readonly clientGroups: Database<string, string>;
  /** Session id → JSON. */
  readonly sessions: Database<string, number>;
  /** [username, session id] → nothing. */
  readonly sessionsByUser: Database<string, [string, number]>;
  /** [username, prefix] → JSON. */
  readonly apiTokens: Database<string, [string, string]>;
  /** [client id, timestamp, sequence] → numbers of measurement-codec. */
  readonly measurements: Database<Buffer, MeasurementKey>;
  /** Key of the last of some measurements of one client → their texts, of text-codec. */
  readonly measurementTexts: Database<Buffer, MeasurementKey>;
  readonly settings: Database<string, string>;
  /** Digest of an authenticator app's key → JSON. */
  readonly totpUses: Database<string, string>;
  /** User name → JSON. */
  readonly users: Database<string, string>;
  /** Digest of a user name → JSON. */
  readonly nameTenures: Database<string, string>;
  /** Group name → JSON. */
  readonly userGroups: Database<string, string>;
  /** Client auth id → password. */
  readonly agentCredentials: Database<string, string>;
  /** `status` → JSON, `next_id` → decimal. */
  readonly vault: Database<string, string>;
  /** Id of a value → JSON of what is kept of it in clear. */
  readonly vaultEntries: Database<string, number>;
  /** Id of a value → sealed value. Never anything else: what LMDB is given may be in its file at once. */
  readonly vaultSealed: Database<Buffer, number>;
  /** Digest of client id and key → id of the value. */
  readonly vaultKeys: Database<string, string>;
  /** [kind, created at, id] → JSON without the text. */
  readonly libraryRows: Database<string, [string, number, string]>;
  /** [kind, id] → created at. */
  readonly libraryPlaces: Database<number, [string, string]>;
  /** [kind, digest of the name] → id. */
  readonly libraryNames: Database<string, [string, string]>;
  /** [kind, version] → id of what changed. */
  readonly libraryChanges: Database<string, [string, number]>;
  /** [kind, id] → what is run. */
  readonly libraryTexts: Database<string, [string, string]>;
  /** Sequence number → the entry with its hash, JSON. */
  readonly auditLog: Database<string, number>;
  /** [digest of a user name or client id, sequence number] → nothing. */
  readonly auditLogBySubject: Database<string, [string, number]>;
  /** `head` and `archive` → JSON. */
  readonly auditState: Database<string, string>;
  /** [client id, id] → JSON. */
  readonly storedTunnels: Database<string, [string, string]>;
  /** Port that a stored tunnel has for itself → JSON of its key. */
  readonly tunnelPorts: Database<string, number>;
  /** [webhook, event id] → JSON. */
  readonly webhookQueue: Database<string, [string, string]>;
  /** [webhook, event id] → JSON. */
  readonly webhookDeadLetters: Database<string, [string, string]>;
  /** Job id → JSON, without long texts. */
  readonly jobs: Database<string, string>;
  /** [job id or multi-job id, name] → a long text as JSON. */
  readonly jobTexts: Database<string, [string, string]>;
  /** [client id, place, job id] → status, in the order lists have. */
  readonly jobsByClient: Database<string, [string, number, string]>;
  /** [multi-job id, place, job id] → status */
  readonly jobsByMultiJob: Database<string, [string, number, string]>;
  /** [start, job id] → multi-job id or nothing; the newest first. */
  readonly jobsByStart: Database<string, [number, string]>;
  /** [when it should have reported, job id], of jobs that run. */
  readonly jobsRunning: Database<string, [number, string]>;
  /** Multi-job id → JSON. */
  readonly multiJobs: Database<string, string>;
  /** [start, multi-job id]; the newest first. */
  readonly multiJobsByStart: Database<string, [number, string]>;
  /** [schedule id, start, multi-job id]; the newest first. */
  readonly multiJobsBySchedule: Database<string, [string, number, string]>;
  /** [schedule id, when it should have reported, job id], of jobs that run. */
  readonly jobsRunningBySchedule: Database<string, [string, number, string]>;
  /** Number in the order of creation → JSON. */
  readonly schedules: Database<string, number>;
  /** Schedule id → its number. */
  readonly scheduleNumbers: Database<number, string>;
  /** [upload id, ''] → JSON with the clients it is for; [upload id, client id] → nothing, of those who are done. */
  readonly uploads: Database<string, [string, string]>;
}

/** Opens or creates `<dataDir>/store`, readable for the owner only. Throws what LMDB or the file system say. */
export function openTables(dataDir: string): OpenedTables {
  const directory = join(dataDir, 'store');
  // A closed directory first: the files inside are then never reachable, whatever the umask makes of them.
  mkdirSync(directory, { recursive: true, mode: DIRECTORY_MODE });
  chmodSync(directory, DIRECTORY_MODE);
  assertStoreFile(join(directory, 'data.mdb'));
  const root = open(directory, {
    noSubdir: false,
    maxReaders: MAX_READERS,
    maxDbs: MAX_TABLES,
  });
  for (const name of ['data.mdb', 'lock.mdb']) {
    const file = join(directory, name);
    if (existsSync(file)) chmodSync(file, FILE_MODE);
  }
  return {
    root,
    meta: root.openDB('meta', { encoding: 'string' }),
    clients: root.openDB('clients', { encoding: 'string' }),
    clientGroups: root.openDB('client_groups', { encoding: 'string' }),
    sessions: root.openDB('sessions', { encoding: 'string' }),
    sessionsByUser: root.openDB('sessions_by_user', { encoding: 'string' }),
    apiTokens: root.openDB('api_tokens', { encoding: 'string' }),
    measurements: root.openDB('measurements', { encoding: 'binary' }),
    measurementTexts: root.openDB('measurement_texts', { encoding: 'binary' }),
    settings: root.openDB('settings', { encoding: 'string' }),
    totpUses: root.openDB('totp_uses', { encoding: 'string' }),
    users: root.openDB('users', { encoding: 'string' }),
    nameTenures: root.openDB('name_tenures', { encoding: 'string' }),
    userGroups: root.openDB('user_groups', { encoding: 'string' }),
    agentCredentials: root.openDB('agent_credentials', { encoding: 'string' }),
    vault: root.openDB('vault', { encoding: 'string' }),
    vaultEntries: root.openDB('vault_entries', { encoding: 'string' }),
    vaultSealed: root.openDB('vault_sealed', { encoding: 'binary' }),
    vaultKeys: root.openDB('vault_keys', { encoding: 'string' }),
    libraryRows: root.openDB('library_rows', { encoding: 'string' }),
    libraryPlaces: root.openDB('library_places', { encoding: 'ordered-binary' }),
    libraryNames: root.openDB('library_names', { encoding: 'string' }),
    libraryChanges: root.openDB('library_changes', { encoding: 'string' }),
    libraryTexts: root.openDB('library_texts', { encoding: 'string' }),
    auditLog: root.openDB('audit_log', { encoding: 'string' }),
    auditLogBySubject: root.openDB('audit_log_by_subject', { encoding: 'string' }),
    auditState: root.openDB('audit_state', { encoding: 'string' }),
    storedTunnels: root.openDB('stored_tunnels', { encoding: 'string' }),
    tunnelPorts: root.openDB('tunnel_ports', { encoding: 'string' }),
    webhookQueue: root.openDB('webhook_queue', { encoding: 'string' }),
    webhookDeadLetters: root.openDB('webhook_dead_letters', { encoding: 'string' }),
    jobs: root.openDB('jobs', { encoding: 'string' }),
    jobTexts: root.openDB('job_texts', { encoding: 'string' }),
    jobsByClient: root.openDB('jobs_by_client', { encoding: 'string' }),
    jobsByMultiJob: root.openDB('jobs_by_multi_job', { encoding: 'string' }),
    jobsByStart: root.openDB('jobs_by_start', { encoding: 'string' }),
    jobsRunning: root.openDB('jobs_running', { encoding: 'string' }),
    multiJobs: root.openDB('multi_jobs', { encoding: 'string' }),
    multiJobsByStart: root.openDB('multi_jobs_by_start', { encoding: 'string' }),
    multiJobsBySchedule: root.openDB('multi_jobs_by_schedule', { encoding: 'string' }),
    jobsRunningBySchedule: root.openDB('jobs_running_by_schedule', { encoding: 'string' }),
    schedules: root.openDB('schedules', { encoding: 'string' }),
    scheduleNumbers: root.openDB('schedule_numbers', { encoding: 'ordered-binary' }),
    uploads: root.openDB('uploads', { encoding: 'string' }),
  };
}
