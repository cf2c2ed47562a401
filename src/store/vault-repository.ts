/** Tables `vault`, `vault_entries`, `vault_sealed` and `vault_keys`. Spec 03 §11. */

import type { Logger } from '../logging/logger.js';
import type { VaultEntry } from '../vault/entry.js';
import type { VaultStatus } from '../vault/status.js';
import { committed } from './commit.js';
import type { OpenedTables } from './tables.js';
import type { VaultChanged, VaultRemoved, VaultRepository, VaultStored } from './vault.js';
import { decodeEntry, decodeStatus, encodeEntry, encodeStatus, uniqueKey } from './vault-codec.js';

const STATUS = 'status';
const NEXT_ID = 'next_id';
/** Rows read in one go; between two of them nothing of the store is held. */
const ROWS_AT_ONCE = 500;

export function createVaultRepository(tables: OpenedTables, log: Logger): VaultRepository {
  const { vault, vaultEntries, vaultSealed, vaultKeys } = tables;

  const statusInTransaction = (): VaultStatus | undefined => {
    const text = vault.get(STATUS);
    if (text === undefined) return undefined;
    const status = decodeStatus(text);
    // To take it for no vault would let somebody begin a new one over the values.
    if (status === undefined) throw new Error('the stored status of the vault is unreadable');
    return status;
  };

  const decode = (id: number, text: string): VaultEntry | undefined => {
    const entry = decodeEntry(id, text);
    if (entry === undefined) log.error(`vault value ${id}: the row is unreadable, skipped`);
    return entry;
  };

  const entryInTransaction = (id: number): VaultEntry | undefined => {
    // Other numbers are no keys of this table.
    if (!Number.isSafeInteger(id) || id < 1) return undefined;
    const text = vaultEntries.get(id);
    return text === undefined ? undefined : decode(id, text);
  };

  const put = (entry: VaultEntry, sealed: Buffer): void => {
    vaultEntries.put(entry.id, encodeEntry(entry));
    vaultSealed.put(entry.id, sealed);
    vaultKeys.put(uniqueKey(entry), String(entry.id));
  };

  /** Runs `work` in a transaction. It decides before it writes: a throw would not undo what it wrote. */
  const transaction = async <Result>(work: () => Result): Promise<Result> => {
    let done: { readonly result: Result } | undefined;
    await committed(
      vault.transaction(() => {
        done = { result: work() };
      }),
    );
    if (done === undefined) throw new Error('the transaction did not run');
    return done.result;
  };

  const begin = (status: VaultStatus, nextId: number): void => {
    vault.put(NEXT_ID, String(nextId));
    vault.put(STATUS, encodeStatus(status));
  };

  const nextId = (): number => {
    const id = Number(vault.get(NEXT_ID) ?? '');
    if (!Number.isSafeInteger(id) || id < 1)
      throw new Error('the stored counter of vault values is unreadable');
    return id;
  };

  const count = (): number => (vaultEntries.getStats() as { readonly entryCount: number }).entryCount;

  return {
    status() {
      vault.resetReadTxn();
      return statusInTransaction();
    },

    init: (status) =>
      transaction(() => {
        if (vault.get(STATUS) !== undefined) return false;
        begin(status, 1);
        return true;
      }),

    importVault: (status, rows, nextId) =>
      transaction(() => {
        if (vault.get(STATUS) !== undefined) return false;
        for (const { entry, sealed } of rows) put(entry, sealed);
        begin(status, nextId);
        return true;
      }),

    upgrade: (from, to, rows) =>
      transaction(() => {
        if (vault.get(STATUS) !== encodeStatus(from)) return false;
        for (const { id, sealed } of rows) vaultSealed.put(id, sealed);
        vault.put(STATUS, encodeStatus(to));
        return true;
      }),

    get(id) {
      vault.resetReadTxn();
      const entry = entryInTransaction(id);
      const sealed = entry === undefined ? undefined : vaultSealed.get(id);
      return entry === undefined || sealed === undefined ? undefined : { entry, sealed };
    },

    *entries() {
      for (let start = 1; ; ) {
        vaultEntries.resetReadTxn();
        const rows = [...vaultEntries.getRange({ start, limit: ROWS_AT_ONCE })];
        for (const { key, value } of rows) {
          const entry = decode(key, value);
          if (entry !== undefined) yield entry;
        }
        const last = rows.at(-1);
        if (last === undefined || rows.length < ROWS_AT_ONCE) return;
        start = last.key + 1;
      }
    },

    count() {
      vaultEntries.resetReadTxn();
      return count();
    },

    add: (draft, seal, most) =>
      transaction((): VaultStored => {
        if (vaultKeys.get(uniqueKey(draft)) !== undefined) return { kind: 'key_taken' };
        if (count() >= most) return { kind: 'full' };
        const id = nextId();
        const entry: VaultEntry = { ...draft, id };
        const sealed = seal(entry);
        if (sealed === null) return { kind: 'locked' };
        vault.put(NEXT_ID, String(id + 1));
        put(entry, sealed);
        return { kind: 'stored', entry };
      }),

    replace: (id, change, may, seal) =>
      transaction((): VaultChanged => {
        const stored = entryInTransaction(id);
        if (stored === undefined) return { kind: 'missing' };
        if (!may(stored)) return { kind: 'forbidden' };
        const entry: VaultEntry = { ...stored, ...change };
        const [before, after] = [uniqueKey(stored), uniqueKey(entry)];
        if (before !== after && vaultKeys.get(after) !== undefined) return { kind: 'key_taken' };
        const sealed = seal(entry);
        if (sealed === null) return { kind: 'locked' };
        if (before !== after) vaultKeys.remove(before);
        put(entry, sealed);
        return { kind: 'stored', entry };
      }),

    remove: (id, may, locked) =>
      transaction((): VaultRemoved => {
        if (locked()) return { kind: 'locked' };
        const entry = entryInTransaction(id);
        if (entry === undefined) return { kind: 'missing' };
        if (!may(entry)) return { kind: 'forbidden' };
        vaultEntries.remove(id);
        vaultSealed.remove(id);
        vaultKeys.remove(uniqueKey(entry));
        return { kind: 'removed', entry };
      }),
  };
}
