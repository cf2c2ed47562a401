/** What the library keeps: scripts and commands under names people choose. Spec 03 §10. */

import type { Instant, Seconds } from '../time.js';

/** What everything in the library has, without its text. */
export interface LibraryEntry {
  /** UUID. */
  readonly id: string;
  /** Unique among its kind; letter case counts. */
  readonly name: string;
  readonly createdBy: string;
  readonly createdAt: Instant;
  readonly updatedBy: string;
  readonly updatedAt: Instant;
  /** `null`: never given. */
  readonly tags: readonly string[] | null;
  readonly timeoutSec: Seconds;
}

export type CommandEntry = LibraryEntry;

export interface ScriptEntry extends LibraryEntry {
  readonly interpreter: string;
  readonly isSudo: boolean;
  readonly cwd: string;
}

/** An entry with what is run, which may be long and is kept apart. */
export interface Stored<Entry extends LibraryEntry> {
  readonly entry: Entry;
  readonly text: string;
}
