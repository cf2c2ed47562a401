/** Table `name_tenures`. Every change is one transaction, whoever else changes something meanwhile. */

import { createHash } from 'node:crypto';
import { dropApiTokens } from './api-token-repository.js';
import { committed } from './commit.js';
import { isKeyText } from './key.js';
import type { NameTenureRepository } from './name-tenures.js';
import { rowFields } from './row-fields.js';
import { dropSessions } from './session-repository.js';
import type { OpenedTables } from './tables.js';

interface Row {
  readonly tenure: number;
  /** Whether it was looked for in vain the last time. */
  readonly missed: boolean;
  /** When it was there the last time. */
  readonly mark: string | null;
}

const NEW: Row = { tenure: 0, missed: false, mark: null };

type Tables = Pick<OpenedTables, 'nameTenures' | 'apiTokens' | 'sessions' | 'sessionsByUser'>;

export function createNameTenureRepository(tables: Tables): NameTenureRepository {
  const { nameTenures: table } = tables;
  const read = (key: string): Row => {
    const text = table.get(key);
    return text === undefined ? NEW : decode(text);
  };
  /**
   * `change` gives the row it was given for no change; `then` is called inside of the transaction that begins another tenure.
   * Resolves with what the row is then.
   */
  const change = async (
    username: string,
    change: (row: Row) => Row,
    then: () => void = () => undefined,
  ): Promise<Row> => {
    const key = keyOf(username);
    table.resetReadTxn();
    const found = read(key);
    // Mostly nothing is to be written, and a transaction waits for the disk.
    if (change(found) === found) return found;
    let after = found;
    await committed(
      table.transaction(() => {
        const before = read(key);
        after = change(before);
        if (after === before) return;
        table.put(key, JSON.stringify(after));
        if (after.tenure !== before.tenure) then();
      }),
    );
    return after;
  };

  return {
    current(username) {
      table.resetReadTxn();
      return read(keyOf(username)).tenure;
    },

    async end(username) {
      await change(username, ({ tenure }) => ({ ...NEW, tenure: tenure + 1 }));
    },

    async missed(username, tenure) {
      await change(username, (row) => (row.missed || row.tenure !== tenure ? row : { ...row, missed: true }));
    },

    async seen(username, tenure, mark) {
      const present = (row: Row): Row => {
        if (row.tenure !== tenure || (row.mark === mark && !row.missed)) return row;
        const other = row.missed && (mark === null || row.mark !== mark);
        return { tenure: other ? row.tenure + 1 : row.tenure, missed: false, mark };
      };
      const inheritNothing = (): void => {
        if (!isKeyText(username)) return;
        dropApiTokens(tables, username);
        dropSessions(tables, username);
      };
      return (await change(username, present, inheritNothing)).tenure;
    },
  };
}

/** Any name fits a key in this form. */
const keyOf = (username: string): string => createHash('sha256').update(username).digest('base64url');

/** Throws `Error` for a damaged row: whoever has the name must not become somebody who had it. */
function decode(text: string): Row {
  const fields = rowFields(text);
  const row = {
    tenure: fields.integer('tenure'),
    missed: fields.flag('missed'),
    mark: fields.textOrNull('mark'),
  };
  if (!fields.fits) throw new Error('a row of the table name_tenures is unreadable');
  return row;
}
