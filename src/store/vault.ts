/** The vault, sealed. Spec 03 §11. */

import type { VaultEntry, VaultTexts } from '../vault/entry.js';
import type { CurrentVault, ImportedVault, VaultStatus } from '../vault/status.js';

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
