/** The list of values: what is kept in clear, without any page. Spec 03 §3.5, §3.6 and §11.4. */

import { Turns } from '../clients/in-turns.js';
import { jsonText } from '../go/json-text.js';
import { listStored, type StoredColumns, type StoredTable } from '../query/stored.js';
import type { ListOptions, ListSupport } from '../query/types.js';
import type { VaultRepository } from '../store/vault.js';
import type { VaultEntry } from './entry.js';

const columns: StoredColumns<VaultEntry> = {
  id: { kind: 'number', read: ({ id }) => id },
  client_id: { kind: 'text', read: ({ clientId }) => clientId },
  created_by: { kind: 'text', read: ({ createdBy }) => createdBy },
  created_at: { kind: 'instant', read: ({ createdAt }) => createdAt },
  key: { kind: 'text', read: ({ key }) => key },
};

const names = Object.keys(columns);
export const vaultListSupport: ListSupport = { sorts: names, filters: names };

/** Rows written before others have their turn: well below a millisecond. */
const ROWS_PER_TURN = 500;

export interface VaultList {
  /** Text of a JSON array, made in turns. */
  list(options: ListOptions): Promise<string>;
}

/** One per thread: lists asked for at the same time are made one after the other. */
export function createVaultList({ entries, count }: VaultRepository): VaultList {
  const turns = new Turns();
  // Without an order of its own: reading the whole table at once is what this list must not do.
  const table: StoredTable<VaultEntry> = { columns, scan: () => entries(), count };
  return {
    list: (options) => turns.run(() => listText(table, options)),
  };
}

function* listText(table: StoredTable<VaultEntry>, options: ListOptions): Generator<void, string> {
  const sorts = options.sorts.length > 0 ? options.sorts : [{ column: 'id', descending: false }];
  const { items } = yield* listStored(table, { ...options, sorts });
  const parts: string[] = [];
  for (let start = 0; start < items.length; start += ROWS_PER_TURN) {
    parts.push(
      items
        .slice(start, start + ROWS_PER_TURN)
        .map(itemText)
        .join(),
    );
    yield;
  }
  return `[${parts.join()}]`;
}

const itemText = ({ id, clientId, createdBy, createdAt, key }: VaultEntry): string =>
  jsonText({ id, client_id: clientId, created_by: createdBy, created_at: createdAt, key });
