/** Reads rows of groups from the details table. Spec 02 §14.3. */

import type { Logger } from '../../../logging/logger.js';
import type { SqlDatabase, SqlRow } from '../../../sql/database.js';
import { textOf, textOrNull } from '../../../sql/value.js';
import type { Group, Restriction } from '../../groups/group.js';
import { unlessIncomparable } from '../../incomparable.js';
import { parseSecretJson } from '../../parse-json.js';
import { type Permission, permissions } from '../../principal.js';
import { checkRestriction } from '../../restrictions/check-restriction.js';
import { SameObjects } from './same-objects.js';
import { columns, type DetailsTable } from './tables.js';

export interface GroupReader {
  /** By the collation of the table. A group that has not changed is the object it was. */
  rows(names: readonly string[]): Promise<readonly Group[]>;
  /** Sorted by name. */
  all(): Promise<readonly Group[]>;
}

/** Names in one statement: few sizes, so that few statements are prepared. */
const SIZES = [1, 4, 16, 64] as const;
const LARGEST = 64;

export function groupReader(database: SqlDatabase, table: DetailsTable, log: Logger): GroupReader {
  const known = new SameObjects((content: GroupContent) => groupOf(content, log));
  const list = [
    columns.name,
    columns.permissions,
    table.hasTunnelsRestricted ? columns.tunnelsRestricted : 'NULL',
    table.hasCommandsRestricted ? columns.commandsRestricted : 'NULL',
  ].join(', ');
  const select = `SELECT ${list} FROM ${table.name}`;
  const make = ([name, granted, tunnels, commands]: SqlRow): Group =>
    known.of([textOf(name), textOf(granted), textOrNull(tunnels), textOrNull(commands)]);
  const some = (names: readonly string[]): Promise<readonly SqlRow[]> => {
    const size = SIZES.find((one) => one >= names.length) ?? LARGEST;
    const filled = Array.from({ length: size }, (_, index) => names[index] ?? names[0] ?? '');
    const marks = filled.map(() => '?').join(', ');
    return unlessIncomparable(
      database.rows(`${select} WHERE ${columns.name} IN (${marks})`, filled),
      // One of them spoils the others.
      async () => (names.length === 1 ? [] : (await Promise.all(names.map((name) => some([name])))).flat()),
    );
  };

  return {
    async rows(names) {
      const rows: SqlRow[] = [];
      for (let from = 0; from < names.length; from += LARGEST) {
        rows.push(...(await some(names.slice(from, from + LARGEST))));
      }
      return rows.map(make);
    },
    async all() {
      const rows = await database.rows(select);
      return rows.map(make).sort((one, other) => (one.name < other.name ? -1 : 1));
    },
  };
}

type GroupContent = readonly [
  name: string,
  permissions: string,
  tunnels: string | null,
  commands: string | null,
];

function groupOf([name, granted, tunnels, commands]: GroupContent, log: Logger): Group {
  const group = {
    name,
    permissions: grantedOf(granted),
    tunnelsRestricted: restrictionOf(tunnels),
    commandsRestricted: restrictionOf(commands),
  };
  // A restriction nobody can read must not become none.
  for (const [restriction, permission] of [
    [group.tunnelsRestricted, 'tunnels'],
    [group.commandsRestricted, 'commands'],
  ] as const) {
    if (restriction !== 'unreadable') continue;
    group.permissions.delete(permission);
    log.error(
      `group ${JSON.stringify(name)}: the restriction of ${permission} cannot be read, so ${permission} are not permitted`,
    );
  }
  return {
    ...group,
    tunnelsRestricted: readable(group.tunnelsRestricted),
    commandsRestricted: readable(group.commandsRestricted),
  };
}

const readable = (restriction: Restriction | null | 'unreadable'): Restriction | null =>
  restriction === 'unreadable' ? null : restriction;

/** Nothing is granted by NULL, odd JSON, unknown names and anything but `true`. */
function grantedOf(text: string): Set<Permission> {
  const value = objectOf(text);
  if (value === undefined) return new Set();
  return new Set(
    permissions.filter((permission) => Object.hasOwn(value, permission) && value[permission] === true),
  );
}

/** In the form it would have been stored in. An empty object stays one, as the column's default. */
function restrictionOf(text: string | null): Restriction | null | 'unreadable' {
  if (text === null || text.trim() === '' || text.trim() === 'null') return null;
  const value = objectOf(text);
  if (value === undefined) return 'unreadable';
  try {
    return checkRestriction(value) ?? {};
  } catch {
    return 'unreadable';
  }
}

function objectOf(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value = parseSecretJson(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
