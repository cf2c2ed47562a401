/** Reads users and their memberships from the tables. Spec 02 §18.3. */

import type { SqlDatabase, SqlRow } from '../../../sql/database.js';
import { flagOf, textOf } from '../../../sql/value.js';
import { unlessIncomparable } from '../../incomparable.js';
import { nobodysHash } from '../../passwords/nobody.js';
import type { User } from '../provider.js';
import { SameObjects } from './same-objects.js';
import { columns, type OptionalColumn, type UserTables } from './tables.js';

export interface UserReader {
  /** By the collation of the table. A user that has not changed is the object he was. */
  find(username: string): Promise<User | undefined>;
  /** Sorted by name. */
  all(): Promise<readonly User[]>;
  /** Of groups that users are in. */
  groupNames(): Promise<readonly string[]>;
  /** Stored passwords of a few users, by name. */
  sample(count: number): Promise<ReadonlyMap<string, string>>;
}

type UserContent = readonly [
  username: string,
  password: string,
  expired: boolean,
  sendTo: string,
  totp: string,
  groups: readonly string[] | null,
];

const userOf = ([
  username,
  password,
  passwordExpired,
  twoFaSendTo,
  totpSecret,
  groups,
]: UserContent): User => ({
  username,
  password,
  passwordExpired,
  groups,
  twoFaSendTo,
  totpSecret,
});

export function userReader(database: SqlDatabase, tables: UserTables): UserReader {
  const { users, memberships, isMembership } = tables;
  const { username, password, passwordExpired, group } = columns;
  const known = new SameObjects(userOf);
  const list = [
    username,
    password,
    passwordExpired,
    column(columns.twoFaSendTo, tables.twoFaSendTo),
    totpSecretOf(tables),
  ].join(', ');
  const make = ([name, secret, expired, sendTo, totp]: SqlRow, groups: readonly string[]): User =>
    known.of([
      textOf(name),
      passwordOf(secret),
      flagOf(expired),
      textOf(sendTo),
      textOf(totp),
      groups.length === 0 ? null : [...new Set(groups)].sort(),
    ]);

  return {
    async find(wanted) {
      const rows = await unlessIncomparable(
        database.rows(`SELECT ${list} FROM ${users} WHERE ${username} = ?`, [wanted]),
        [],
      );
      const row = rows.find(([name]) => textOf(name) === wanted) ?? rows[0];
      if (row === undefined) return undefined;
      // Compared with the user's name in the table: that of the memberships alone could take somebody else for him.
      const groups = await unlessIncomparable(
        database.rows(
          `SELECT g.${group} FROM ${users} u JOIN ${memberships} g ON ${isMembership} WHERE u.${username} = ?`,
          [textOf(row[0])],
        ),
        [],
      );
      return make(
        row,
        groups.map(([name]) => textOf(name)),
      );
    },

    async all() {
      const [rows, members] = await Promise.all([
        database.rows(`SELECT ${list} FROM ${users}`),
        database.rows(
          `SELECT u.${username}, g.${group} FROM ${users} u JOIN ${memberships} g ON ${isMembership}`,
        ),
      ]);
      const groups = new Map<string, string[]>();
      for (const [member, name] of members) {
        const before = groups.get(textOf(member));
        if (before === undefined) groups.set(textOf(member), [textOf(name)]);
        else before.push(textOf(name));
      }
      return rows
        .map((row) => make(row, groups.get(textOf(row[0])) ?? []))
        .sort((one, other) => (one.username < other.username ? -1 : 1));
    },

    async groupNames() {
      const rows = await database.rows(
        `SELECT DISTINCT g.${group} FROM ${users} u JOIN ${memberships} g ON ${isMembership}`,
      );
      return rows.map(([name]) => textOf(name));
    },

    async sample(count) {
      const rows = await database.rows(`SELECT ${username}, ${password} FROM ${users} LIMIT ${count}`);
      return new Map(rows.map(([name, secret]) => [textOf(name), passwordOf(secret)]));
    },
  };
}

/** An empty password would be right for everybody who sends none. */
export const passwordOf = (value: unknown): string => textOf(value) || nobodysHash;

/** What to select. */
export const totpSecretOf = (tables: UserTables): string => column(columns.totpSecret, tables.totpSecret);

/** NULL where it is not read, so that rows have one shape. */
const column = (name: string, { read }: OptionalColumn): string => (read ? name : 'NULL');
