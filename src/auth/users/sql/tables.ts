/** The tables of users and groups: their names in statements, and what they have. Spec 02 §18.3. */

import type { Config } from '../../../config/types.js';
import type { SqlDatabase } from '../../../sql/database.js';
import { quoteName } from '../../../sql/identifier.js';
import { SqlError } from '../../../sql/sql-error.js';

/** Names are quoted. */
export interface UserTables {
  readonly users: string;
  readonly memberships: string;
  /** `null`: groups have no rows. */
  readonly details: DetailsTable | null;
  readonly twoFaSendTo: OptionalColumn;
  readonly totpSecret: OptionalColumn;
  /** Condition that the membership `g` is one of the user `u`. */
  readonly isMembership: string;
}

export interface OptionalColumn {
  readonly exists: boolean;
  /** Its feature is on; only then it is read. */
  readonly read: boolean;
}

export interface DetailsTable {
  readonly name: string;
  readonly hasTunnelsRestricted: boolean;
  readonly hasCommandsRestricted: boolean;
}

/** Columns whose names are words of SQL are quoted, too. */
export const columns = {
  username: '`username`',
  password: '`password`',
  passwordExpired: '`password_expired`',
  twoFaSendTo: '`two_fa_send_to`',
  totpSecret: '`totp_secret`',
  group: '`group`',
  name: '`name`',
  permissions: '`permissions`',
  tunnelsRestricted: '`tunnels_restricted`',
  commandsRestricted: '`commands_restricted`',
} as const;

const SECOND_FACTOR_HINT =
  '; with two-factor login the table needs more columns, see "Users in a database" in docs/accounts.md';

/** Looks at the tables. Rejects with `Error` that names the setting, the table and what is wrong with it. */
export async function openTables(database: SqlDatabase, { api }: Pick<Config, 'api'>): Promise<UserTables> {
  const names = {
    users: quoteName(api.authUserTable),
    memberships: quoteName(api.authGroupTable),
    details: api.authGroupDetailsTable === '' ? null : quoteName(api.authGroupDetailsTable),
  };
  const probe = async (setting: string, table: string, list: readonly string[], hint = ''): Promise<void> => {
    try {
      await database.rows(`SELECT ${list.join(', ')} FROM ${table} LIMIT 0`);
    } catch (error) {
      if (!(error instanceof SqlError)) throw error;
      const { kind, message } = error;
      const where = kind === 'unavailable' ? database.place : `api.${setting} ${table}`;
      throw new Error(`${where}: ${message}${kind === 'missing_column' ? hint : ''}`);
    }
  };
  const optional = async (table: string, column: string): Promise<boolean> => {
    try {
      await database.rows(`SELECT ${column} FROM ${table} LIMIT 0`);
      return true;
    } catch (error) {
      if (error instanceof SqlError && error.kind === 'missing_column') return false;
      throw error;
    }
  };

  const delivery = api.twoFaTokenDelivery !== '';
  const { username, password, passwordExpired, twoFaSendTo, totpSecret, group, name, permissions } = columns;
  const needed = [
    username,
    password,
    passwordExpired,
    ...(delivery ? [twoFaSendTo] : []),
    ...(api.totpEnabled ? [totpSecret] : []),
  ];
  await probe('auth_user_table', names.users, needed, SECOND_FACTOR_HINT);
  await probe('auth_group_table', names.memberships, [username, group]);
  if (names.details !== null) await probe('auth_group_details_table', names.details, [name, permissions]);
  return {
    users: names.users,
    memberships: names.memberships,
    details:
      names.details === null
        ? null
        : {
            name: names.details,
            hasTunnelsRestricted: await optional(names.details, columns.tunnelsRestricted),
            hasCommandsRestricted: await optional(names.details, columns.commandsRestricted),
          },
    twoFaSendTo: { read: delivery, exists: delivery || (await optional(names.users, twoFaSendTo)) },
    totpSecret: {
      read: api.totpEnabled,
      exists: api.totpEnabled || (await optional(names.users, totpSecret)),
    },
    isMembership: await membershipCondition(database, names),
  };
}

/** As the collation of the columns says; byte by byte when theirs are different ones. */
async function membershipCondition(
  database: SqlDatabase,
  names: Pick<UserTables, 'users' | 'memberships'>,
): Promise<string> {
  const [user, member] = [`u.${columns.username}`, `g.${columns.username}`];
  const condition = `${user} = ${member}`;
  try {
    await database.rows(`SELECT 1 FROM ${names.users} u JOIN ${names.memberships} g ON ${condition} LIMIT 0`);
    return condition;
  } catch (error) {
    if (!(error instanceof SqlError) || error.kind !== 'collation') throw error;
    return `${database.dialect.bytes(user)} = ${database.dialect.bytes(member)}`;
  }
}
