/** Table `clients`. */

import type { ClientRecord } from '../clients/record.js';
import { type ClientId, clientId } from '../ids.js';
import type { Logger } from '../logging/logger.js';
import { decodeClient, encodeClient } from './client-codec.js';
import type { ClientRepository } from './clients.js';
import { committed } from './commit.js';
import { checkKeyText, isKeyText } from './key.js';
import { removeStoredTunnels } from './stored-tunnel-repository.js';
import type { OpenedTables } from './tables.js';

export function createClientRepository(tables: OpenedTables, log: Logger): ClientRepository {
  const table = tables.clients;

  const decode = (id: ClientId, text: string): ClientRecord | undefined => {
    const record = decodeClient(id, text);
    if (record === undefined)
      log.error(`client ${JSON.stringify(id)}: the stored record is unreadable, skipped`);
    return record;
  };

  return {
    get(id) {
      if (!isKeyText(id)) return undefined;
      // Another thread may have committed since this thread's read transaction began.
      table.resetReadTxn();
      const text = table.get(id);
      return text === undefined ? undefined : decode(id, text);
    },

    async put(record) {
      checkKeyText(record.id);
      await committed(table.put(record.id, encodeClient(record)));
    },

    async remove(id) {
      if (!isKeyText(id)) return;
      await committed(
        table.transaction(() => {
          table.remove(id);
          removeStoredTunnels(tables, id);
        }),
      );
    },

    *all() {
      table.resetReadTxn();
      for (const { key, value } of table.getRange({ snapshot: false })) {
        if (typeof key !== 'string') continue;
        const record = decode(clientId(key), value);
        if (record !== undefined) yield record;
      }
    },
  };
}
