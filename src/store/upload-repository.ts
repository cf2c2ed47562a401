/** Table `uploads`: files on their way to clients, and which clients have had their turn. Spec 04 §16.6. */

import { clientId } from '../ids.js';
import type { Logger } from '../logging/logger.js';
import type { Upload } from '../uploads/upload.js';
import { committed } from './commit.js';
import { rowFields } from './row-fields.js';
import type { OpenedTables } from './tables.js';
import type { TransactionBatch } from './transaction-batch.js';
import type { UnfinishedUpload, UploadRepository } from './uploads.js';

/** Place of the upload itself, before its clients: their ids are not empty. */
const HEAD = '';
/** Sorts behind every id. */
const LAST = '\u{10ffff}';
/** Rows removed in one transaction: a fraction of a millisecond. */
const REMOVED_AT_ONCE = 250;

export function createUploadRepository(
  { uploads: rows }: Pick<OpenedTables, 'uploads'>,
  batch: TransactionBatch,
  log: Pick<Logger, 'error'>,
): UploadRepository {
  const decode = (id: string, text: string): UnfinishedUpload | undefined => {
    const read = decodeUpload(text);
    if (read === undefined) log.error(`upload ${JSON.stringify(id)}: the row is unreadable, skipped`);
    return read;
  };

  return {
    // One row, however many clients there are: this is waited for.
    begin: (upload, clientIds) =>
      batch.run(() => {
        rows.put([upload.id, HEAD], JSON.stringify({ ...upload, clientIds }));
      }),

    done: (id, client) =>
      batch.run(() => {
        rows.put([id, client], '');
      }),

    async end(id) {
      // Its first row goes first: what is left of it if this is cut short says nothing.
      const range = { start: [id, HEAD], end: [id, LAST], limit: REMOVED_AT_ONCE };
      for (let more = true; more; ) {
        more = await batch.run(() => {
          const keys = [...rows.getKeys(range)];
          for (const key of keys) rows.remove(key);
          return keys.length === REMOVED_AT_ONCE;
        });
      }
    },

    *unfinished() {
      rows.resetReadTxn();
      let current: { readonly found: UnfinishedUpload; readonly missing: Set<string> } | null = null;
      const finished = (): UnfinishedUpload | null =>
        current && { ...current.found, clientIds: [...current.missing].map(clientId) };
      for (const { key, value } of rows.getRange()) {
        const [id, client] = key;
        if (client !== HEAD) {
          if (current?.found.upload.id === id) current.missing.delete(client);
          continue;
        }
        const before = finished();
        if (before !== null) yield before;
        const found = decode(id, value);
        current = found === undefined ? null : { found, missing: new Set(found.clientIds) };
      }
      const last = finished();
      if (last !== null) yield last;
    },

    async clear() {
      await committed(rows.clearAsync());
    },
  };
}

function decodeUpload(text: string): UnfinishedUpload | undefined {
  const fields = rowFields(text);
  const upload: Upload = {
    id: fields.text('id'),
    sourcePath: fields.text('sourcePath'),
    destination: fields.text('destination'),
    mode: fields.integer('mode'),
    owner: fields.text('owner'),
    group: fields.text('group'),
    force: fields.flag('force'),
    sync: fields.flag('sync'),
    md5: fields.text('md5'),
    size: fields.integer('size'),
  };
  const clientIds = (fields.texts('clientIds') ?? []).map(clientId);
  return fields.fits ? { upload, clientIds } : undefined;
}
