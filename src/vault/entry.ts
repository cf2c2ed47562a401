/** What is kept of a value in clear, and what users send and get. Spec 03 §11.4. */

import type { Instant } from '../time.js';

export interface VaultTexts {
  /** Any text; whether there is such a client does not matter. */
  readonly clientId: string;
  /** Whose members alone may see or change the value; empty = everybody with the permission. */
  readonly requiredGroup: string;
  /** Unique among those of one client id. */
  readonly key: string;
  readonly type: string;
}

export interface VaultEntry extends VaultTexts {
  /** 1, 2, 3 …; never used again. */
  readonly id: number;
  readonly createdAt: Instant;
  readonly createdBy: string;
  readonly updatedAt: Instant;
  readonly updatedBy: string | null;
}

/** `value` is the secret itself. */
export interface VaultInput extends VaultTexts {
  readonly value: string;
}

export interface VaultValue extends VaultEntry {
  readonly value: string;
}
