/** The library of scripts and commands. Spec 03 §10. */

import type { LibraryEntry, Stored } from '../library/entry.js';
import type { Milliseconds } from '../time.js';

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
