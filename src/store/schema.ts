/** Version of the store's layout, and the way from each older one. */

import type { Database } from 'lmdb';
import type { OpenedTables } from './tables.js';

/** Changes the rows of one version into the next. Runs inside the transaction that also raises the version. */
export type Migration = (tables: OpenedTables) => void;

/** `migrations[n]` leads from version n + 1 to n + 2. Append only. */
export const migrations: readonly Migration[] = [
  // Tables for users, groups and credentials, empty at first. A server that does not know them would let nobody in.
  () => undefined,
  // Texts of measurements in a table of their own. Old rows stay as they are and can be read (measurement-codec).
  () => undefined,
  // Several texts in one row. Old rows stay as they are and can be read (text-codec).
  () => undefined,
];

const VERSION_KEY = 'schema_version';

/** The directory belongs to a newer server, or holds something that is not our store. */
export class StoreVersionError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'StoreVersionError';
  }
}

/**
 * Brings the store to the newest version in one transaction; threads that open it at the same time wait for each
 * other. Throws `StoreVersionError` for a store written by a newer server and leaves it untouched.
 */
export function migrate(tables: OpenedTables, steps: readonly Migration[] = migrations): void {
  const newest = steps.length + 1;
  if (tables.meta.get(VERSION_KEY) === String(newest)) return;
  tables.meta.transactionSync(() => {
    const version = storedVersion(tables.meta) ?? newest;
    if (version > newest) {
      throw new StoreVersionError(
        `the store has schema version ${version}, this server knows versions up to ${newest}: ` +
          'start the newer server again, or restore a backup made before the upgrade',
      );
    }
    for (const step of steps.slice(version - 1)) step(tables);
    tables.meta.put(VERSION_KEY, String(newest));
  });
}

function storedVersion(meta: Database<string, string>): number | undefined {
  const text = meta.get(VERSION_KEY);
  if (text === undefined) return undefined;
  const version = Number(text);
  if (Number.isSafeInteger(version) && version > 0) return version;
  throw new StoreVersionError(`the store has the unreadable schema version ${JSON.stringify(text)}`);
}
