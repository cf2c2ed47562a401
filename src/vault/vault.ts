/** The vault as every thread uses it. The key is on main only: values cross threads as messages. Spec 03 §11. */

import type { VaultEntry, VaultInput, VaultValue } from './entry.js';

export interface VaultState {
  readonly init: 'uninitialized' | 'setup-completed';
  /** Empty when uninitialized. */
  readonly status: 'locked' | 'unlocked' | '';
}

/** Who asks. */
export interface VaultUser {
  readonly username: string;
  readonly groups: readonly string[];
}

/**
 * Changes resolve when they would survive a power loss. All but the first four reject with `AppError` 409 while the
 * vault is locked.
 */
export interface Vault {
  state(): Promise<VaultState>;
  /** The vault is unlocked afterwards. Rejects with `AppError` 400 for the password, or 409. */
  init(password: string): Promise<void>;
  /**
   * Rejects with `AppError` 401 for a wrong password, 429 after some of them, or 409. An imported vault is brought to
   * the format of this server by it.
   */
  unlock(password: string): Promise<void>;
  /** Rejects with `AppError` 409. */
  lock(): Promise<void>;
  requireUnlocked(): Promise<void>;
  /** Rejects with `AppErrorList` 400 for the input, `AppError` 409 when there is such a key, or the vault is full. */
  add(input: VaultInput, user: VaultUser): Promise<VaultEntry>;
  /** Rejects with `AppError` 404, or 403 when the user is in the way of the required group. */
  read(id: number, user: VaultUser): Promise<VaultValue>;
  /** Rejects like `add` and `read`. */
  replace(id: number, input: VaultInput, user: VaultUser): Promise<VaultEntry>;
  /** What it was. Rejects like `read`. */
  remove(id: number, user: VaultUser): Promise<VaultEntry>;
}
