/** Credentials of agents over the API of a running server, and the agents that use them. Spec 03 §8 and §15.6. */

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { DatabaseSync } from '@photostructure/sqlite';
import type { SimulatedAgent } from '../../bench/fleet/simulated-agent.js';
import { openStore } from '../../src/store/open.js';
import type { ApiAnswer, ApiClient } from '../support/api-client.js';
import { eventually } from '../support/eventually.js';
import { tablesOf } from '../support/foreign-database.js';
import { MemoryLogger } from '../support/memory-logger.js';
import { TestServer } from '../support/server.js';

const INITIAL = { 'test-client-1': 'secret-1', 'test-client-2': 'secret-2', alone: 'secret-3' };
/** Connections land on the shards by chance: that many in a row do not all miss one of two. */
const TRIES = 10;

async function storeWith(dataDir: string): Promise<void> {
  const store = openStore(dataDir, { log: new MemoryLogger() });
  await store.agentCredentials.addFirst(Object.entries(INITIAL).map(([id, password]) => ({ id, password })));
  await store.close();
}

function fileWith(_dataDir: string, folder: string): void {
  writeFileSync(join(folder, 'clients.json'), JSON.stringify(INITIAL));
}

function tableWith(_dataDir: string, folder: string): void {
  const database = new DatabaseSync(join(folder, 'agents.db'));
  database.exec(tablesOf('sqlite'));
  const add = database.prepare('INSERT INTO clients_auth (id, password) VALUES (?, ?)');
  for (const [id, password] of Object.entries(INITIAL)) add.run(id, password);
  database.close();
}

const table = {
  server: { auth: null, auth_table: 'clients_auth', client_login_wait: 0, max_failed_login: 0 },
  database: { db_type: 'sqlite', db_name: 'agents.db' },
  prepare: tableWith,
};
const file = { auth: null, auth_file: 'clients.json', client_login_wait: 0, max_failed_login: 0 };
const ownStore = { auth: null, client_login_wait: 0, max_failed_login: 0 };

const first = (answer: ApiAnswer): readonly unknown[] => {
  const { code, title, detail } = answer.errors[0] ?? { code: '', title: '', detail: '' };
  return [answer.status, code, title, detail];
};
const idsOf = (answer: ApiAnswer): readonly string[] => answer.data<{ id: string }[]>().map(({ id }) => id);

for (const [name, options, source] of [
  ['a file', { server: file, prepare: fileWith }, 'File'],
  ['the own store', { server: ownStore, prepare: storeWith }, 'DB'],
  ['a table', table, 'DB'],
] as const) {
  describe(`credentials in ${name}`, () => {
    let server: TestServer;
    let api: ApiClient;

    before(async () => {
      server = await TestServer.start(options);
      api = server.api();
    });
    after(() => server.remove());

    const login = (id: string, password: string, client: string): Promise<string> =>
      server.agent(client, {}, { auth: `${id}:${password}` }).then(
        () => 'ok',
        (error: Error) => error.message,
      );
    const add = (id: unknown, password: unknown): Promise<ApiAnswer> =>
      api.post('/clients-auth', { body: { id, password } });

    test('status names the source', async () => {
      const status = (await api.get('/status')).data<Record<string, unknown>>();
      assert.deepEqual([status.clients_auth_source, status.clients_auth_mode], [source, 'Read Write']);
    });

    test('the list: sorted, filtered, in pages', async () => {
      const all = await api.get('/clients-auth');
      assert.deepEqual(all.json, {
        data: [
          { id: 'alone', password: 'secret-3' },
          { id: 'test-client-1', password: 'secret-1' },
          { id: 'test-client-2', password: 'secret-2' },
        ],
        meta: { count: 3 },
      });
      for (const [query, ids, count] of [
        ['filter[id]=test*', ['test-client-1', 'test-client-2'], 2],
        ['filter[id]=alone', ['alone'], 1],
        ['filter[id]=', [], 0],
        ['filter[id]=nobody', [], 0],
        // A database tells letters apart, unless there is a wildcard; a file never does.
        ['filter[id]=ALONE', source === 'File' ? ['alone'] : [], source === 'File' ? 1 : 0],
        ['filter[id]=AL*', ['alone'], 1],
        [
          'filter[id]=and(alone,test-client-1)',
          source === 'File' ? [] : ['alone', 'test-client-1'],
          source === 'File' ? 0 : 2,
        ],
        ['filter[id]=test_client-1*', [], 0],
        ['page[limit]=1&page[offset]=1', ['test-client-1'], 3],
        ['page[offset]=9', [], 3],
      ] as const) {
        const answer = await api.get(`/clients-auth?${query}`);
        assert.deepEqual([idsOf(answer), answer.count], [ids, count], query);
      }
      assert.deepEqual((await api.get('/clients-auth?sort=id')).refusal, "400 unsupported sort field 'id'");
      assert.equal((await api.get('/clients-auth?filter[password]=x')).status, 400);
      assert.equal((await api.get('/clients-auth?page[limit]=501')).status, 400);
    });

    test('one of them', async () => {
      assert.deepEqual((await api.get('/clients-auth/alone')).json, {
        data: { id: 'alone', password: 'secret-3' },
      });
      const unknown = await api.get('/clients-auth/ALONE');
      assert.deepEqual(first(unknown), [404, '', 'Client Auth with ID "ALONE" not found', '']);
    });

    test('bodies that are refused', async () => {
      const invalid = (name: string, detail: string): readonly unknown[] => [
        400,
        'ERR_CODE_INVALID_REQUEST',
        `Invalid or missing ${name}.`,
        detail,
      ];
      assert.deepEqual(first(await add('ab', 'secret')), invalid('ID', 'Min size is 3.'));
      assert.deepEqual(first(await add('', 'secret')), invalid('ID', 'Min size is 3.'));
      assert.deepEqual(first(await add(null, 'secret')), invalid('ID', 'Min size is 3.'));
      assert.deepEqual(first(await add('abc', 'pw')), invalid('password', 'Min size is 3.'));
      assert.deepEqual(first(await add('abc', undefined)), invalid('password', 'Min size is 3.'));
      assert.deepEqual(first(await add('x'.repeat(1025), 'secret')), invalid('ID', 'Max size is 1024.'));
      assert.deepEqual(first(await add('abc', 'x'.repeat(4097))), invalid('password', 'Max size is 4096.'));
      assert.equal((await add(5, 'secret')).refusal, '400 Invalid JSON data.');
      assert.equal((await api.post('/clients-auth')).refusal, '400 Missing body with json data.');
      assert.equal(
        (await api.post('/clients-auth', { body: { id: 'abc', password: 'abc', more: 1 } })).refusal,
        '400 Invalid JSON data.',
      );
      assert.equal((await api.get('/clients-auth')).count, 3);
    });

    test('a new one lets agents in at once, in every shard, and is there once', async () => {
      // Two bytes a letter: sizes are bytes.
      assert.deepEqual([(await add('üü', 'öö')).status, (await add('new', 'se:cret')).status], [201, 201]);
      const answers = await Promise.all(
        Array.from({ length: TRIES }, (_, n) => login('new', 'se:cret', `new-${n}`)),
      );
      assert.deepEqual([...new Set(answers)], ['ok']);
      assert.match(await login('new', 'wrong', 'x'), /unable to authenticate/);
      const again = await add('new', 'other');
      assert.deepEqual(first(again), [
        409,
        'ERR_CODE_ALREADY_EXIST',
        'Client Auth with ID "new" already exist.',
        '',
      ]);
      assert.deepEqual((await api.get('/clients-auth/new')).data(), { id: 'new', password: 'se:cret' });
    });

    test('with clients it stays; force takes them along', async () => {
      await add('bound', 'secret');
      const connected = await server.agent('bound-1', {}, { auth: 'bound:secret' });
      const gone = await server.agent('bound-2', {}, { auth: 'bound:secret' });
      await server.untilKnown('bound-1');
      gone.destroy();
      await server.untilGone('bound-2');
      const refused = await api.delete('/clients-auth/bound');
      assert.deepEqual(first(refused), [
        409,
        'ERR_CODE_CLIENT_AUTH_HAS_CLIENT',
        'Client Auth expected to have no active or disconnected bound client(s), got 2.',
        '',
      ]);
      assert.deepEqual(first(await api.delete('/clients-auth/bound?force=test')), [
        400,
        'ERR_CODE_INVALID_REQUEST',
        'Invalid force param test.',
        '',
      ]);
      assert.equal(connected.closed, false);
      assert.equal((await api.get('/clients-auth/bound')).status, 200);

      assert.equal((await api.delete('/clients-auth/bound?force=true')).status, 204);
      await eventually('the connection to end', () => connected.closed);
      for (let n = 0; n < TRIES; n += 1) {
        assert.equal((await api.get(`/clients/bound-${(n % 2) + 1}`)).status, 404);
        assert.equal((await api.get('/clients-auth/bound')).status, 404);
        assert.match(await login('bound', 'secret', `late-${n}`), /unable to authenticate/);
      }
    });

    test('a session that has logged in opens no client once its credential is deleted', async () => {
      await add('early', 'secret');
      const sessions: SimulatedAgent[] = [];
      for (let n = 0; n < 6; n += 1) {
        sessions.push(await server.agent(`early-${n}`, {}, { auth: 'early:secret', announce: false }));
      }
      assert.equal((await api.delete('/clients-auth/early')).status, 204);
      for (const session of sessions) {
        const reply = await session.announce();
        assert.deepEqual(
          [reply.ok, reply.payload.toString()],
          [false, 'client auth ID has been deleted: "early"'],
        );
      }
      // Added again, it is a new one.
      await add('early', 'secret');
      assert.equal(await login('early', 'secret', 'early-again'), 'ok');
    });

    test('what is not there cannot be deleted', async () => {
      for (const id of ['nobody', '%00', 'x'.repeat(2000)]) {
        const answer = await api.delete(`/clients-auth/${id}?force=1`);
        assert.deepEqual([answer.status, answer.errors[0]?.code], [404, 'ERR_CODE_CLIENT_AUTH_NOT_FOUND']);
      }
      assert.equal(
        (await api.delete('/clients-auth/nobody')).refusal,
        '404 Client Auth with ID="nobody" not found.',
      );
    });

    test('many writers at once, all shards: each change is there or was refused', async () => {
      const names = Array.from({ length: 20 }, (_, n) => `writer-${n}`);
      const answers = await Promise.all(
        [...names, ...names].map(async (id, n) => ({ id, n, status: (await add(id, `secret-${n}`)).status })),
      );
      for (const id of names) {
        const statuses = answers.filter((answer) => answer.id === id).map(({ status }) => status);
        assert.deepEqual(statuses.sort(), [201, 409]);
        const winner = answers.find((answer) => answer.id === id && answer.status === 201);
        assert.deepEqual((await api.get(`/clients-auth/${id}`)).data(), {
          id,
          password: `secret-${winner?.n}`,
        });
      }
      const gone = await Promise.all(names.map((id) => api.delete(`/clients-auth/${id}`)));
      assert.deepEqual([...new Set(gone.map(({ status }) => status))], [204]);
      assert.deepEqual(idsOf(await api.get('/clients-auth?filter[id]=writer*')), []);
    });

    test('what was answered survives kill -9', async () => {
      assert.equal((await add('durable', 'secret')).status, 201);
      assert.equal((await api.delete('/clients-auth/alone')).status, 204);
      await server.crashAndRestart();
      assert.equal((await api.get('/clients-auth/durable')).status, 200);
      assert.equal((await api.get('/clients-auth/alone')).status, 404);
      assert.equal(await login('durable', 'secret', 'durable'), 'ok');
      assert.match(await login('alone', 'secret-3', 'alone'), /unable to authenticate/);
    });

    test('no password is ever logged', async () => {
      await server.untilLogged(/"durable"/);
      // What the server prints at its start names one credential on purpose: the first.
      assert.ok(!/se:cret|secret-1/.test(server.output));
    });

    if (source === 'File') {
      test('the file stays as the reference writes it, and edits by hand count', async () => {
        const path = join(server.folder, 'clients.json');
        const text = readFileSync(path, 'utf8');
        const entries = JSON.parse(text) as Record<string, string>;
        const lines = Object.keys(entries)
          .sort()
          .map((id) => `\t"${id}": "${entries[id]}"`);
        assert.equal(text, `{\n${lines.join(',\n')}\n}\n`);
        writeFileSync(path, JSON.stringify({ ...entries, manual: 'by hand' }));
        assert.equal((await api.get('/clients-auth/manual')).status, 200);
        assert.equal((await add('another', 'secret')).status, 201);
        assert.equal(await login('manual', 'by hand', 'manual'), 'ok');
        assert.equal(JSON.parse(readFileSync(path, 'utf8')).manual, 'by hand');
      });
    }
  });
}

test('credentials that cannot be changed: 405 before anything else is looked at', async (t) => {
  const fixed = await TestServer.start();
  t.after(() => fixed.remove());
  const readOnly = await TestServer.start({ server: { ...file, auth_write: false }, prepare: fileWith });
  t.after(() => readOnly.remove());
  for (const [server, code, title] of [
    [fixed, 'SINGLE', 'Client authentication is enabled only for a single user.'],
    [readOnly, 'RO', 'Client authentication has been attached in read-only mode.'],
  ] as const) {
    const api = server.api();
    const refusal = [405, `ERR_CODE_CLIENT_AUTH_${code}`, title, ''];
    assert.deepEqual(
      first(await api.post('/clients-auth', { body: { id: 'new', password: 'secret' } })),
      refusal,
    );
    assert.deepEqual(first(await api.post('/clients-auth', { body: 'not json' })), refusal);
    assert.deepEqual(first(await api.delete('/clients-auth/nobody?force=test')), refusal);
    const { clients_auth_mode: mode } = (await api.get('/status')).data<Record<string, unknown>>();
    assert.equal(mode, 'Read Only');
  }
  assert.deepEqual((await fixed.api().get('/clients-auth')).json, {
    data: [{ id: 'agents', password: 'agent-secret' }],
    meta: { count: 1 },
  });
  assert.deepEqual((await fixed.api().get('/clients-auth?page[offset]=1')).json, {
    data: [],
    meta: { count: 1 },
  });
  for (const [value, count] of [
    ['AG*', 1],
    ['AGENTS', 1],
    ['', 0],
    ['nobody', 0],
  ] as const) {
    assert.equal((await fixed.api().get(`/clients-auth?filter[id]=${value}`)).count, count, value);
  }
  assert.equal((await fixed.api().get('/clients-auth/agents')).status, 200);
  assert.equal((await readOnly.api().get('/clients-auth')).count, 3);
});
