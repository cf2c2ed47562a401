/** `tideway vault import`, and the upgrade at the first unlock. Spec 03 §11.2 and §14. */

import assert from 'node:assert/strict';
import { createCipheriv, createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { DatabaseSync } from '@photostructure/sqlite';
import { openStore } from '../../src/store/open.js';
import { systemClock } from '../../src/time.js';
import { readForeignVault } from '../../src/vault/read-foreign-vault.js';
import { isVaultCommand, parseVaultCommand } from '../../src/vault-command/parse.js';
import type { ApiClient } from '../support/api-client.js';
import { MemoryLogger } from '../support/memory-logger.js';
import { noReference, ReferenceServer } from '../support/reference-server.js';
import { ADMIN, TestServer } from '../support/server.js';
import { tempFolder } from '../support/temp-folder.js';
import { type CommandResult, tidewayCommand } from '../support/user-command.js';

/** The schema of spec 03 §14. */
const SCHEMA = `
  CREATE TABLE schema_migrations (version uint64, dirty bool);
  INSERT INTO schema_migrations VALUES (1, 'false');
  CREATE TABLE "values" (id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, client_id text NOT NULL DEFAULT 0,
    required_group TEXT, created_at DATE NOT NULL, created_by TEXT NOT NULL, updated_at DATE NOT NULL, updated_by TEXT,
    "key" TEXT NOT NULL, value TEXT NOT NULL, type TEXT NOT NULL);
  CREATE UNIQUE INDEX unique_client_id_key ON "values" (client_id, "key");
  CREATE TABLE status (id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, db_status text NOT NULL, enc_check TEXT,
    dec_check TEXT);`;

const sealForeign = (password: string, plain: string): string => {
  const key = createHash('sha256').update(password).digest();
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]).toString('base64');
};

interface ForeignRow {
  readonly client?: string;
  readonly group?: string | null;
  readonly key: string;
  /** As it is stored. */
  readonly value: string;
  readonly type?: string;
}

/** A vault as an rportd leaves it. */
function foreignVault(
  path: string,
  rows: readonly ForeignRow[],
  how: { readonly sql?: string } = {},
): string {
  const database = new DatabaseSync(path);
  database.exec(SCHEMA);
  database
    .prepare('INSERT INTO status (db_status, enc_check, dec_check) VALUES (?, ?, ?)')
    .run('setup-completed', sealForeign('pass1', 'anything'), Buffer.from([0x31, 0xff, 0xfe]));
  const insert = database.prepare(
    `INSERT INTO "values" (client_id, required_group, created_at, created_by, updated_at, updated_by, "key", value, type)
     VALUES (?, ?, '2024-05-01T10:00:00+02:00', 'eve', '2024-05-02T00:30:00+02:00', NULL, ?, ?, ?)`,
  );
  database.exec('BEGIN');
  for (const { client = '', group = '', key, value, type = 'secret' } of rows) {
    insert.run(client, group, key, value, type);
  }
  database.exec('COMMIT');
  if (how.sql !== undefined) database.exec(how.sql);
  database.close();
  return path;
}

function configured(t: TestContext) {
  const folder = tempFolder(t);
  const dataDir = join(folder, 'data');
  mkdirSync(dataDir);
  writeFileSync(
    join(folder, 'rportd.conf'),
    `[server]\nauth = "a:b"\ndata_dir = ${JSON.stringify(dataDir)}\n[api]\naddress = "127.0.0.1:0"\n`,
  );
  const run = (...args: string[]): Promise<CommandResult> =>
    tidewayCommand(['vault', ...args], { cwd: folder });
  return { folder, dataDir, run };
}

const unlock = async (api: ApiClient, password = 'pass1'): Promise<string> => {
  const answer = await api.post('/vault-admin/sesame', { body: { password } });
  return answer.status === 201 ? '201' : answer.refusal;
};
const shown = async (api: ApiClient, id: number): Promise<Record<string, unknown>> =>
  (await api.get(`/vault/${id}`)).data<Record<string, unknown>>();

function stored(dataDir: string, ids: readonly number[]): { status: string; sealed: (string | undefined)[] } {
  const store = openStore(dataDir, { log: new MemoryLogger() });
  const status = JSON.stringify(store.vault.status());
  const sealed = ids.map((id) => store.vault.get(id)?.sealed.toString('hex'));
  void store.close();
  return { status, sealed };
}

test('a vault is imported beside a running server, and upgraded when it is unlocked', async (t) => {
  const server = await TestServer.start();
  t.after(() => server.remove());
  const api = server.api();
  const path = foreignVault(
    join(server.folder, 'vault.sqlite.db'),
    [
      { client: 'web-7', key: 'db-root', value: sealForeign('pass1', 'zażółć 🔑') },
      { key: 'gone', value: sealForeign('pass1', 'gone') },
      { key: 'of ops', group: 'ops', value: sealForeign('pass1', 'for ops'), type: 'markdown' },
      { key: 'null group', group: null, value: sealForeign('pass1', 'open'), type: 'text' },
      { key: 'broken', value: sealForeign('other password', 'lost') },
      { key: 'last', value: sealForeign('pass1', 'last') },
    ],
    { sql: 'DELETE FROM "values" WHERE id IN (2, 6)' },
  );
  const before = readFileSync(path);
  const ran = await tidewayCommand(['vault', 'import', path, '-c', join(server.folder, 'rportd.conf')], {
    cwd: server.folder,
  });
  assert.equal(ran.code, 0, ran.err);
  assert.match(ran.out, /^Imported 4 values\. Unlock the vault/);
  assert.deepEqual(readFileSync(path), before, 'the file is only read');

  assert.equal((await api.get('/vault-admin')).text, '{"data":{"init":"setup-completed","status":"locked"}}');
  assert.equal((await api.post('/vault-admin/init', { body: { password: 'new1' } })).status, 409);
  const imported = stored(server.dataDir, [1, 3, 4, 5]);
  assert.match(imported.status, /"format":"rportd"/);
  assert.equal(await unlock(api, 'pass2'), '401 wrong password provided');
  assert.deepEqual(stored(server.dataDir, [1, 3, 4, 5]), imported, 'a wrong password changes nothing');

  assert.equal(await unlock(api), '201');
  const upgraded = stored(server.dataDir, [1, 3, 4, 5]);
  assert.match(upgraded.status, /"format":"tideway-1"/);
  for (const [place, sealed] of upgraded.sealed.entries()) {
    const isBroken = place === 3;
    assert.equal(sealed === imported.sealed[place], isBroken);
    assert.match(sealed ?? '', isBroken ? /^72/ : /^01/);
  }
  assert.deepEqual(await shown(api, 1), {
    client_id: 'web-7',
    required_group: '',
    key: 'db-root',
    value: 'zażółć 🔑',
    type: 'secret',
    id: 1,
    created_at: '2024-05-01T08:00:00Z',
    updated_at: '2024-05-01T22:30:00Z',
    created_by: 'eve',
    updated_by: null,
  });
  assert.equal((await shown(api, 4)).value, 'open');
  assert.equal((await api.get('/vault/3')).status, 403);
  assert.equal((await api.get('/vault/5')).refusal, '500 the value cannot be decrypted');
  assert.equal((await api.delete('/vault/5')).status, 204);
  await server.untilLogged(/error: (?:server: )?vault: value 5 could not be decrypted/);
  // Number 6 was given once.
  const added = await api.post('/vault', { body: { key: 'new', value: 'v', type: 'text' } });
  assert.deepEqual(added.json, { data: { id: 7 } });
  const taken = await api.post('/vault', {
    body: { client_id: 'web-7', key: 'db-root', value: 'v', type: 'text' },
  });
  assert.equal(taken.status, 409);

  await server.crashAndRestart();
  assert.equal(await unlock(server.api(), 'pass2'), '401 wrong password provided');
  assert.equal(await unlock(server.api()), '201');
  assert.equal((await shown(server.api(), 1)).value, 'zażółć 🔑');
  assert.deepEqual(stored(server.dataDir, [1, 3, 4]).sealed, upgraded.sealed.slice(0, 3));

  const again = await tidewayCommand(['vault', 'import', path, '--data-dir', server.dataDir], {
    cwd: server.folder,
  });
  assert.equal(again.code, 1);
  assert.match(again.err, /Could not import the vault: vault is already initialized\n$/);
});

test('a kill in the middle of an upgrade costs another unlock', async (t) => {
  const server = await TestServer.start();
  t.after(() => server.remove());
  const values = Array.from({ length: 4_000 }, (_, index) => ({
    key: `k${index}`,
    value: sealForeign('pass1', `value ${index}`),
  }));
  const path = foreignVault(join(server.folder, 'vault.sqlite.db'), values);
  const ran = await tidewayCommand(['vault', 'import', path, '--data-dir', server.dataDir], {
    cwd: server.folder,
  });
  assert.equal(ran.code, 0, ran.err);
  const unlocking = unlock(server.api()).catch(() => 'cut off');
  await server.untilLogged(/all values are encrypted anew/);
  await server.kill();
  await unlocking;
  await server.startAgain();
  const api = server.api();
  assert.equal(await unlock(api), '201');
  assert.match(stored(server.dataDir, [1]).status, /"format":"tideway-1"/);
  for (const id of [1, 2_000, 4_000]) assert.equal((await shown(api, id)).value, `value ${id - 1}`);
  assert.equal((await api.get('/vault')).data<unknown[]>().length, 4_000);
});

test('what cannot be imported is refused, and leaves no vault', async (t) => {
  const { folder, dataDir, run } = configured(t);
  const good = { key: 'k', value: sealForeign('pass1', 'v') };
  const files: readonly (readonly [name: string, rows: readonly ForeignRow[], sql: string, error: RegExp])[] =
    [
      ['newer', [good], 'UPDATE schema_migrations SET version = 2', /unknown version 2/],
      ['dirty', [good], "UPDATE schema_migrations SET dirty = 'true'", /last migration has failed/],
      ['empty', [], 'DELETE FROM status', /not initialized/],
      ['type', [{ ...good, type: 'odd' }], '', /value 1 is of an unknown type/],
      [
        'long',
        [{ ...good, key: 'k'.repeat(513) }],
        '',
        /value 1 has a key, client id or group of more than 512 bytes/,
      ],
      [
        'large',
        [{ ...good, value: sealForeign('pass1', 'v'.repeat(65_537)) }],
        '',
        /value 1 has more than 65536 bytes/,
      ],
      ['other', [], 'DROP TABLE schema_migrations', /schema_migrations/],
    ];
  for (const [name, rows, sql, error] of files) {
    const path = foreignVault(join(folder, name), rows, { sql });
    await assert.rejects(readForeignVault(path, systemClock), error, name);
  }
  const missing = join(folder, 'missing');
  const text = join(folder, 'text');
  writeFileSync(text, 'no database at all, only a text that is long enough to be looked at');
  for (const path of [missing, text, folder]) {
    await assert.rejects(readForeignVault(path, systemClock), /^Error: Could not read the vault of /, path);
  }
  const result = await run('import', text);
  assert.equal(result.code, 1);
  assert.match(result.err, /Could not read the vault of .*text: /);
  assert.equal(existsSync(join(dataDir, 'store')), false);
});

test('the command says how it is used', async (t) => {
  const { run } = configured(t);
  const { code, out, err } = await run('import', '--help');
  assert.deepEqual([code, err], [0, '']);
  assert.match(out, /tideway vault import <vault\.sqlite\.db> \[flags\]/);
  const wrong = await run('import');
  assert.deepEqual([wrong.code, wrong.out], [1, '']);
  assert.ok(wrong.err.startsWith('Error: the file to import is missing\nUsage:\n'), wrong.err);

  for (const args of ['vault', 'vault --help', 'vault import --help', '-c x vault import f -h']) {
    assert.equal(isVaultCommand(args.split(' ')), true, args);
    assert.equal(parseVaultCommand(args.split(' ')).kind, 'usage', args);
  }
  for (const [args, error] of [
    ['vault export x', 'unknown command "export" for "tideway vault"'],
    ['vault import a b', 'unexpected argument "b"'],
    ['vault import a --nonsense', 'unknown flag: --nonsense'],
  ] as const) {
    const parsed = parseVaultCommand(args.split(' '));
    assert.equal(parsed.kind === 'wrong' && parsed.error, error);
  }
  assert.deepEqual(parseVaultCommand('--data-dir d vault -c x import f'.split(' ')), {
    kind: 'import',
    command: { file: 'f', configArguments: ['--data-dir=d', '--config=x'] },
  });
  for (const args of ['', 'serve', '-c vault', 'user add -u vault']) {
    assert.equal(isVaultCommand(args.split(' ')), false, args);
  }
});

test('a vault made by the reference server', { skip: noReference }, async (t) => {
  const reference = await ReferenceServer.start({ server: { auth: 'a:b' }, api: { auth: 'admin:foobaz' } });
  t.after(() => reference.remove());
  const there = reference.api('admin', 'foobaz');
  assert.equal((await there.post('/vault-admin/init', { body: { password: 'żółw-123' } })).status, 201);
  const bodies = [
    { client_id: 'web-7', required_group: '', key: 'db', value: 'sęcret <1> 🔑', type: 'secret' },
    { client_id: '', required_group: '', key: 'db', value: 'other', type: 'markdown' },
    { client_id: '', required_group: 'ops', key: 'mail', value: 'for ops', type: 'string' },
    { client_id: '', required_group: '', key: 'deleted', value: 'x', type: 'text' },
  ];
  const last = bodies.length;
  for (const body of bodies) assert.ok((await there.post('/vault', { body })).status < 300);
  const first = (await there.get('/vault?sort=id')).data<{ id: number }[]>()[0]?.id ?? 0;
  assert.equal((await there.delete(`/vault/${first + last - 1}`)).status, 204);
  const before = (await there.get(`/vault/${first}`)).data<Record<string, unknown>>();

  const server = await TestServer.start();
  t.after(() => server.remove());
  const path = join(reference.dataDir, 'vault.sqlite.db');
  const ran = await tidewayCommand(['vault', 'import', path, '--data-dir', server.dataDir], {
    cwd: server.folder,
  });
  assert.deepEqual([ran.code, ran.err], [0, '']);
  const api = server.api(ADMIN.username, ADMIN.password);
  assert.equal(await unlock(api, 'wrong one'), '401 wrong password provided');
  assert.equal(await unlock(api, 'żółw-123'), '201');
  const after = await shown(api, first);
  const times = (item: Record<string, unknown>) =>
    [item.created_at, item.updated_at].map((text) => Date.parse(String(text)));
  assert.deepEqual(times(after), times(before));
  assert.deepEqual({ ...after, created_at: 0, updated_at: 0 }, { ...before, created_at: 0, updated_at: 0 });
  assert.equal((await shown(api, first + 1)).value, 'other');
  assert.equal((await api.get(`/vault/${first + 2}`)).status, 403);
  assert.equal((await api.get('/vault')).data<unknown[]>().length, 3);
  const added = await api.post('/vault', { body: { key: 'new', value: 'v', type: 'text' } });
  assert.deepEqual(added.json, { data: { id: first + last } });
});
