/** The first unlock of an imported vault: it gets a key with a salt, and all its values are sealed anew with that. */

import type { Logger } from '../../logging/logger.js';
import type { Store } from '../../store/store.js';
import { makeVault } from '../../vault/key-check.js';
import { openImported, placeOf, seal, UnsealError, type VaultKey } from '../../vault/seal.js';
import type { ImportedVault } from '../../vault/status.js';

/** Values sealed before others have their turn: a small one takes some 30 µs, one at the bound 1 ms. */
const BYTES_PER_TURN = 256 * 1024;
const VALUES_PER_TURN = 100;

export interface UpgradeOptions {
  readonly store: Pick<Store, 'vault' | 'flushed'>;
  readonly status: ImportedVault;
  /** The right one. Overwritten. */
  readonly importedKey: VaultKey;
  readonly password: string;
  readonly log: Logger;
}

interface Resealed {
  readonly id: number;
  readonly sealed: Buffer;
}

/**
 * Resolves with the new key when the upgrade is on disk. It is one transaction: until it is committed the vault is as
 * it was, so a crash or an error costs nothing but another unlock. Nobody changes values meanwhile, because the vault
 * is locked. A value that does not open stays as it is, and will not open later either.
 */
export async function upgradeVault(options: UpgradeOptions): Promise<VaultKey> {
  const { store, status: imported, importedKey, password, log } = options;
  log.info('imported from rportd: all values are encrypted anew');
  const { status, key } = await makeVault(password);
  try {
    const { resealed, broken } = await resealAll(store, importedKey, key);
    if (!(await store.vault.upgrade(imported, status, resealed))) {
      throw new Error('the vault has been replaced while it was unlocked');
    }
    await store.flushed();
    log.info(`${resealed.length} values are encrypted anew`);
    for (const id of broken) log.error(`value ${id} could not be decrypted and is left as it was`);
    return key;
  } catch (error) {
    key.fill(0);
    throw error;
  } finally {
    importedKey.fill(0);
  }
}

async function resealAll(
  store: UpgradeOptions['store'],
  from: VaultKey,
  to: VaultKey,
): Promise<{ readonly resealed: readonly Resealed[]; readonly broken: readonly number[] }> {
  const resealed: Resealed[] = [];
  const broken: number[] = [];
  let values = 0;
  let bytes = 0;
  for (const entry of store.vault.entries()) {
    const row = store.vault.get(entry.id);
    if (row === undefined) continue;
    try {
      const value = openImported(from, row.sealed);
      resealed.push({ id: entry.id, sealed: seal(to, placeOf(entry.id, entry), value) });
    } catch (error) {
      if (!(error instanceof UnsealError)) throw error;
      broken.push(entry.id);
    }
    values += 1;
    bytes += row.sealed.length;
    if (values < VALUES_PER_TURN && bytes < BYTES_PER_TURN) continue;
    values = 0;
    bytes = 0;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return { resealed, broken };
}
