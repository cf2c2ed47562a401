/** What is kept of one change. Spec 03 §12.3. */

import type { Milliseconds } from '../time.js';

/** Everything but its place in the log. Absent texts are empty. */
export interface AuditContent {
  readonly username: string;
  readonly remoteIp: string;
  readonly application: string;
  readonly action: string;
  readonly affectedId: string;
  readonly clientId: string;
  readonly clientHostname: string;
  /** JSON text, bounded and without secrets. */
  readonly request: string;
  readonly response: string;
}

export interface AuditEntry extends AuditContent {
  /** From 1 and without gaps, over all files and the table. */
  readonly seq: number;
  readonly timestamp: Milliseconds;
}

/** A place in the chain: all entries up to `seq`, and the hash of the last of them. */
export interface ChainLink {
  readonly seq: number;
  /** Hexadecimal SHA-256. */
  readonly hash: string;
}

/** Columns with an index of their own. */
export type IndexedColumn = 'username' | 'client_id';

/** A file that entries were moved to. */
export interface RotatedFile {
  /** Below the data folder. */
  readonly name: string;
  readonly first: number;
  readonly last: ChainLink;
  /** Of its last entry. */
  readonly until: Milliseconds;
}

/** The newest entry, kept apart from the entries, so that it shows when some are missing behind. */
export interface AuditHead extends ChainLink {
  /** Latest time stamp so far. */
  readonly newest: Milliseconds;
  /** Last entry with an earlier time stamp than one before it; 0 without. Behind it, the order is that of time. */
  readonly disorderAt: number;
}

/** What has left the table. */
export interface AuditArchive {
  /** Before the first entry that is still kept anywhere. */
  readonly anchor: ChainLink;
  /** The last entry that is in a file; the table counts behind it. */
  readonly rotated: ChainLink;
  /** Oldest first, one joining the other. */
  readonly files: readonly RotatedFile[];
  /** A file that is being written; it counts once it is in `files`. */
  readonly pending: RotatedFile | null;
  /** Names of files that count no more and are to be deleted. */
  readonly deleting: readonly string[];
}
