/** The embedded store as the rest of the server sees it. Spec of durability: architecture §4. */

import type { ClientRecord } from '../clients/record.js';
import type { ClientId } from '../ids.js';
import type { Instant, Milliseconds } from '../time.js';

/** Promises of writes resolve when the write is committed (survives `kill -9`). Power loss: await `flushed`. */
export interface Store {
  readonly clients: ClientRepository;
  readonly sessions: SessionRepository;
  readonly measurements: MeasurementRepository;
  /** Small named values of the server itself: generated secrets, markers. */
  readonly settings: SettingRepository;
  /** Resolves when everything committed so far is on disk. */
  flushed(): Promise<void>;
  close(): Promise<void>;
}

export interface ClientRepository {
  get(id: ClientId): ClientRecord | undefined;
  put(record: ClientRecord): Promise<void>;
  remove(id: ClientId): Promise<void>;
  all(): Iterable<ClientRecord>;
}

/** A login session of the API. Spec 02 §6.5. */
export interface SessionRecord {
  /** Unguessable integer below 2^53, never reused. */
  readonly id: number;
  /** `jti` of the one token this session belongs to; empty in imported rows. */
  readonly tokenId: string;
  readonly username: string;
  readonly expiresAt: Milliseconds;
  readonly lastAccessAt: Milliseconds;
  readonly userAgent: string;
  readonly ipAddress: string;
}

/** What a use of a session changes. */
export type SessionUse = Pick<SessionRecord, 'expiresAt' | 'lastAccessAt' | 'userAgent' | 'ipAddress'>;

export interface SessionRepository {
  get(id: number): SessionRecord | undefined;
  put(record: SessionRecord): Promise<void>;
  /**
   * Changes the row in one transaction. Resolves `false`, and writes nothing, when there is no such row any
   * more: a use of a token that crosses its logout must not bring the session back.
   */
  touch(id: number, change: SessionUse): Promise<boolean>;
  remove(id: number): Promise<void>;
  removeExpired(now: Milliseconds): Promise<number>;
  byUser(username: string): Iterable<SessionRecord>;
}

/** One measurement as the agent sent it, with server time. Spec 01 §8.4. */
export interface Measurement {
  readonly clientId: ClientId;
  readonly timestamp: Milliseconds;
  readonly cpuUsagePercent: number;
  readonly memoryUsagePercent: number;
  readonly ioUsagePercent: number;
  /** JSON text of an array, or empty. */
  readonly processes: string;
  /** JSON text of an object, or empty. */
  readonly mountpoints: string;
  readonly netLan: { readonly in: number; readonly out: number } | null;
  readonly netWan: { readonly in: number; readonly out: number } | null;
}

export interface MeasurementRepository {
  /** Queues the row for the next batch; may be lost up to one second before a crash. */
  append(measurement: Measurement): void;
  range(id: ClientId, from: Milliseconds, to: Milliseconds): Iterable<Measurement>;
  removeBefore(cutoff: Milliseconds): Promise<number>;
  removeClient(id: ClientId): Promise<void>;
}

export interface SettingRepository {
  get(name: string): string | undefined;
  put(name: string, value: string): Promise<void>;
}

export type { Instant };
