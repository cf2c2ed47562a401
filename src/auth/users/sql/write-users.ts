/** Changes of users and their memberships, each in one transaction. Spec 02 §18.3. */

import { AppError } from '../../../errors.js';
import type { SqlDatabase, SqlParameter, SqlSession } from '../../../sql/database.js';
import { SqlError } from '../../../sql/sql-error.js';
import { textOf } from '../../../sql/value.js';
import { unlessIncomparable } from '../../incomparable.js';
import { ADMINISTRATORS } from '../../principal.js';
import type { User } from '../provider.js';
import {
  type OnlyIf,
  type UserChange,
  type UserWrites,
  unknownUserTitle,
  userExistsTitle,
} from '../writes.js';
import { passwordOf, totpSecretOf } from './read-users.js';
import { columns, type UserTables } from './tables.js';

const { username, group } = columns;

/** What the table has instead of a TOTP secret that was removed; the reference puts it there, too. */
const NO_SECRET = ' ';

type Assignment = readonly [column: string, value: SqlParameter];

export function userWrites(
  database: SqlDatabase,
  tables: UserTables,
): Pick<UserWrites, 'add' | 'change' | 'remove'> {
  const { users, memberships } = tables;
  const { bytes, forUpdate } = database.dialect;
  /** The one row of that spelling, whatever else the collation takes for the same name. */
  const isUser = `${username} = ? AND ${bytes(username)} = ${bytes('?')}`;

  /** As stored, of the user that the collation takes for the one of that name. */
  const storedName = async (session: SqlSession, name: string): Promise<string | undefined> => {
    const sql = `SELECT ${username} FROM ${users} WHERE ${username} = ?${forUpdate}`;
    const names = (await unlessIncomparable(session.rows(sql, [name]), [])).map(([stored]) => textOf(stored));
    return names.includes(name) ? name : names[0];
  };

  /** As a reader has them, of a user that is there. */
  const secretsOf = async (session: SqlSession, name: string): Promise<Parameters<OnlyIf>[0]> => {
    const sql = `SELECT ${columns.password}, ${totpSecretOf(tables)} FROM ${users} WHERE ${isUser}${forUpdate}`;
    const [[password, totpSecret] = []] = await session.rows(sql, [name, name]);
    return { password: passwordOf(password), totpSecret: textOf(totpSecret) };
  };

  const addMemberships = async (session: SqlSession, name: string, groups: readonly string[]) => {
    const administrators = groups.filter((one) => one === ADMINISTRATORS);
    for (const one of new Set([...administrators, ...groups])) {
      // A collation may take two of the names for one: then the first is what he is in, and the one that counts is.
      await ignoreDuplicate(
        session.run(`INSERT INTO ${memberships} (${username}, ${group}) VALUES (?, ?)`, [name, one]),
      );
    }
  };
  const removeMemberships = (session: SqlSession, name: string): Promise<number> =>
    unlessIncomparable(session.run(`DELETE FROM ${memberships} WHERE ${username} = ?`, [name]), 0);

  return {
    add: (user) =>
      database.transaction(async (session) => {
        if ((await storedName(session, user.username)) !== undefined) throw userExists();
        const row: readonly Assignment[] = [
          [username, user.username],
          [columns.password, user.password],
          [columns.passwordExpired, Number(user.passwordExpired)],
          ...(tables.twoFaSendTo.exists ? [[columns.twoFaSendTo, user.twoFaSendTo] as const] : []),
          ...(tables.totpSecret.exists ? [[columns.totpSecret, user.totpSecret] as const] : []),
        ];
        const names = row.map(([column]) => column).join(', ');
        const marks = row.map(() => '?').join(', ');
        await refuseDuplicate(
          session.run(
            `INSERT INTO ${users} (${names}) VALUES (${marks})`,
            row.map(([, value]) => value),
          ),
        );
        // What is left of somebody who had the name must not become his.
        await removeMemberships(session, user.username);
        await addMemberships(session, user.username, user.groups ?? []);
      }),

    change: (name, change, onlyIf) =>
      database.transaction(async (session) => {
        if ((await storedName(session, name)) !== name) throw unknownUser(name);
        if (onlyIf !== undefined && !onlyIf(await secretsOf(session, name))) return false;
        const next = change.username ?? name;
        if (next !== name) {
          const holder = await storedName(session, next);
          if (holder !== undefined && holder !== name) throw userExists();
          if (holder === undefined) await removeMemberships(session, next);
        }
        const changed = assignments(tables, change);
        if (changed.length > 0) {
          const list = changed.map(([column]) => `${column} = ?`).join(', ');
          const values = changed.map(([, value]) => value);
          await refuseDuplicate(
            session.run(`UPDATE ${users} SET ${list} WHERE ${isUser}`, [...values, name, name]),
          );
        }
        if (next !== name) {
          await session.run(`UPDATE ${memberships} SET ${username} = ? WHERE ${username} = ?`, [next, name]);
        }
        if (change.groups !== undefined) {
          await removeMemberships(session, next);
          await addMemberships(session, next, change.groups ?? []);
        }
        return true;
      }),

    remove: (name) =>
      database.transaction(async (session) => {
        if ((await storedName(session, name)) !== name) throw unknownUser(name);
        await removeMemberships(session, name);
        await session.run(`DELETE FROM ${users} WHERE ${isUser}`, [name, name]);
      }),
  };
}

/** Of the users table. Throws `AppError` 400 for something there is no column for. */
function assignments(tables: UserTables, change: UserChange): readonly Assignment[] {
  const given: Assignment[] = [];
  const set = (column: string, value: SqlParameter | undefined): void => {
    if (value !== undefined) given.push([column, value]);
  };
  set(username, change.username);
  set(columns.password, change.password);
  set(
    columns.passwordExpired,
    change.passwordExpired === undefined ? undefined : Number(change.passwordExpired),
  );
  set(columns.twoFaSendTo, storable(change, 'twoFaSendTo', tables));
  const secret = storable(change, 'totpSecret', tables);
  set(columns.totpSecret, secret === '' ? NO_SECRET : secret);
  return given;
}

function storable(
  change: UserChange,
  field: keyof User & ('twoFaSendTo' | 'totpSecret'),
  tables: UserTables,
): string | undefined {
  const value = change[field];
  if (value === undefined || tables[field].exists) return value;
  // Without the column nobody has one, so there is nothing to remove.
  if (value.trim() === '') return undefined;
  const title = `The table of users has no column ${columns[field].replaceAll('`', '')}.`;
  throw new AppError('bad_request', { title });
}

async function refuseDuplicate(running: Promise<unknown>): Promise<void> {
  try {
    await running;
  } catch (error) {
    throw isDuplicate(error) ? userExists() : error;
  }
}

async function ignoreDuplicate(running: Promise<unknown>): Promise<void> {
  try {
    await running;
  } catch (error) {
    if (!isDuplicate(error)) throw error;
  }
}

const isDuplicate = (error: unknown): boolean => error instanceof SqlError && error.kind === 'duplicate';
const userExists = (): AppError => new AppError('bad_request', { title: userExistsTitle });
const unknownUser = (name: string): AppError => new AppError('not_found', { title: unknownUserTitle(name) });
