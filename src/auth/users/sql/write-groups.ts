/** Changes of rows in the details table. Spec 02 §14.3. */

import { AppError } from '../../../errors.js';
import type { SqlDatabase, SqlParameter } from '../../../sql/database.js';
import { textOf } from '../../../sql/value.js';
import type { Group, Restriction } from '../../groups/group.js';
import { unlessIncomparable } from '../../incomparable.js';
import { permissions } from '../../principal.js';
import type { UserWrites } from '../writes.js';
import { columns, type DetailsTable, type UserTables } from './tables.js';

const noDetailsTitle = 'User group details table must be configured for this operation.';

/**
 * Names of groups count byte by byte here, other than where they are read: nobody shall change or remove the
 * administrators under another spelling.
 */
export function groupWrites(
  database: SqlDatabase,
  { memberships, details }: UserTables,
): Pick<UserWrites, 'putGroup' | 'removeGroup'> {
  if (details === null) {
    const refuse = async (): Promise<never> => {
      throw new AppError('bad_request', { title: noDetailsTitle });
    };
    return { putGroup: refuse, removeGroup: refuse };
  }
  const { bytes, forUpdate } = database.dialect;
  const named = (column: string): string => `${column} = ? AND ${bytes(column)} = ${bytes('?')}`;

  return {
    async putGroup(group) {
      const row = assignments(details, group);
      await database.transaction(async (session) => {
        const select = `SELECT ${columns.name} FROM ${details.name} WHERE ${columns.name} = ?${forUpdate}`;
        const found = await unlessIncomparable(session.rows(select, [group.name]), []);
        const names = found.map(([name]) => textOf(name));
        const values = row.map(([, value]) => value);
        if (names.includes(group.name)) {
          const list = row.map(([column]) => `${column} = ?`).join(', ');
          await session.run(`UPDATE ${details.name} SET ${list} WHERE ${named(columns.name)}`, [
            ...values,
            group.name,
            group.name,
          ]);
          return;
        }
        const [other] = names;
        if (other !== undefined) {
          const title = `The database does not tell this name from the group "${other}".`;
          throw new AppError('bad_request', { title });
        }
        const list = [columns.name, ...row.map(([column]) => column)];
        const marks = list.map(() => '?').join(', ');
        await session.run(`INSERT INTO ${details.name} (${list.join(', ')}) VALUES (${marks})`, [
          group.name,
          ...values,
        ]);
      });
    },

    removeGroup: (name) =>
      database.transaction(async (session) => {
        for (const [table, column] of [
          [memberships, columns.group],
          [details.name, columns.name],
        ] as const) {
          const removing = session.run(`DELETE FROM ${table} WHERE ${named(column)}`, [name, name]);
          await unlessIncomparable(removing, 0);
        }
      }),
  };
}

/** Every column but the name. Throws `AppError` 400 for a restriction there is no column for. */
function assignments(
  table: DetailsTable,
  group: Group,
): readonly (readonly [column: string, value: SqlParameter])[] {
  const granted = Object.fromEntries(permissions.map((one) => [one, group.permissions.has(one)]));
  return [
    [columns.permissions, JSON.stringify(granted)],
    ...restriction(columns.tunnelsRestricted, table.hasTunnelsRestricted, group.tunnelsRestricted),
    ...restriction(columns.commandsRestricted, table.hasCommandsRestricted, group.commandsRestricted),
  ];
}

function restriction(
  column: string,
  exists: boolean,
  value: Restriction | null,
): readonly (readonly [string, SqlParameter])[] {
  if (exists) return [[column, value === null ? null : JSON.stringify(value)]];
  if (value === null) return [];
  const title = `The table of group details has no column ${column.replaceAll('`', '')}.`;
  throw new AppError('bad_request', { title });
}
