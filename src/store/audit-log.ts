/** The audit log. Spec 03 §12. */

import type { AuditArchive, AuditContent, AuditHead, IndexedColumn } from '../audit/entry.js';
import type { Milliseconds } from '../time.js';

/** A part of the log by sequence numbers, both included. */
export interface AuditRange {
  readonly from: number;
  readonly to: number;
  readonly reverse?: boolean;
  readonly limit: number;
}

/**
 * The audit log. Entries are added by one actor and by commands; what becomes of them is up to that actor. Reads after `state` in the same turn of the event loop see what it saw;
 * rows up to `archive.rotated` do not count any more, even where they are still there.
 */
export interface AuditRepository {
  /** Adds entries behind the last one, all or none, whatever other process adds some at the same time. */
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
