/** Databases with the tables of `docs/accounts.md`, as an operator makes them and other programs use them. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { DatabaseSync } from '@photostructure/sqlite';
import type { DatabaseConfig } from '../../src/config/types.js';
import { Mariadb, noMariadb } from './mariadb.js';
import { tempFolder } from './temp-folder.js';

const page = readFileSync(new URL('../../../docs/accounts.md', import.meta.url), 'utf8');

/** The statements that make the tables, as the page has them. */
export function tablesOf(dialect: 'mysql' | 'sqlite'): string {
  const title = dialect === 'mysql' ? 'MySQL and MariaDB' : 'SQLite';
  const found = new RegExp(`^${title}:\\n\\n\`\`\`sql\\n([\\s\\S]*?)^\`\`\``, 'm').exec(page)?.[1];
  if (found === undefined) throw new Error(`docs/accounts.md has no tables for ${title}`);
  return found;
}

export interface ForeignDatabase {
  readonly config: DatabaseConfig;
  /** As another program, with all rights. Several statements only without values. */
  run(sql: string, values?: readonly unknown[]): Promise<readonly Readonly<Record<string, unknown>>[]>;
}

export interface Engine {
  readonly name: string;
  /** Why it cannot be tested with here, or `false`. */
  readonly skip: string | false;
  /** Without tables when `empty`. */
  create(test: TestContext, how?: { readonly empty?: boolean }): Promise<ForeignDatabase>;
}

/** The settings that go with these tables. */
export const userTables = {
  auth: '',
  authFile: '',
  authUserTable: 'users',
  authGroupTable: 'groups',
  authGroupDetailsTable: 'group_details',
} as const;

export const sqlite: Engine = {
  name: 'SQLite',
  skip: false,
  async create(test, { empty = false } = {}) {
    const path = join(tempFolder(test), 'users.db');
    const database = new DatabaseSync(path);
    test.after(() => database.close());
    // A file of no bytes is no database yet.
    database.exec(empty ? 'CREATE TABLE something (x)' : tablesOf('sqlite'));
    return {
      config: { dbType: 'sqlite', dbHost: '', dbUser: '', dbPassword: '', dbName: path },
      async run(sql, values = []) {
        if (values.length === 0 && /;\s*\S/.test(sql)) {
          database.exec(sql);
          return [];
        }
        return database.prepare(sql).all(...values);
      },
    };
  },
};

let server: Promise<Mariadb> | undefined;

/** One for all tests of a file, which must call `stopMariadb` after the last one. */
export const startMariadb = (): Promise<Mariadb> => {
  server ??= Mariadb.start();
  return server;
};
export async function stopMariadb(): Promise<void> {
  await (await server)?.remove();
}

/** Its databases end with the server. */
export const mariadb = {
  name: 'MariaDB',
  skip: noMariadb,
  async create(_test?: TestContext, { empty = false } = {}) {
    const running = await startMariadb();
    const config = await running.createDatabase();
    if (!empty) await running.run(tablesOf('mysql'), [], config.dbName);
    return {
      config,
      run: (sql: string, values?: readonly unknown[]) =>
        running.run(sql, values, config.dbName) as Promise<readonly Readonly<Record<string, unknown>>[]>,
    };
  },
} satisfies Engine;

export const engines: readonly Engine[] = [sqlite, mariadb];
