/** The vault on a running server of two shards. Spec 03 §11 and §15.9. */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { ApiAnswer, ApiClient } from '../support/api-client.js';
import { TestServer } from '../support/server.js';
import { apiOfUsersFile, PASSWORD, writeUsersFile } from '../support/users-file.js';

const VAULT_PASSWORD = 'pass1';
/** Each request is a new connection on any of two shards: so many do not all miss one. */
const ENOUGH = 12;

let server: TestServer;
let root: ApiClient;
let ops: ApiClient;

async function start(): Promise<void> {
  server = await TestServer.start({
    api: { ...apiOfUsersFile, max_request_bytes: 200_000 },
    prepare: (_dataDir, folder) => writeUsersFile(folder, { root: ['Administrators'], ops: ['ops'] }),
  });
  root = server.api('root', PASSWORD);
  ops = server.api('ops', PASSWORD);
}

const value = (key: string, more: object = {}): object => ({
  key,
  value: `secret of ${key}`,
  type: 'text',
  ...more,
});
const add = async (body: object, caller = root): Promise<number> => {
  const answer = await caller.post('/vault', { body });
  assert.equal(answer.status, 201, answer.text);
  return (answer.json as { data: { id: number } }).data.id;
};
const plain = ({ status, text }: ApiAnswer): readonly [number, string] => [status, text];
const unlock = (password: unknown = VAULT_PASSWORD) =>
  root.post('/vault-admin/sesame', { body: { password } });
const lock = () => root.delete('/vault-admin/sesame');
const init = (password: unknown = VAULT_PASSWORD) => root.post('/vault-admin/init', { body: { password } });
const state = async (): Promise<string> => (await root.get('/vault-admin')).text;
const LOCKED = '{"data":{"init":"setup-completed","status":"locked"}}';
const UNLOCKED = '{"data":{"init":"setup-completed","status":"unlocked"}}';

/** What an acknowledged change promises: every shard goes by it, without any waiting. */
async function everywhere(look: () => Promise<string>, expected: string): Promise<void> {
  for (let times = 0; times < ENOUGH; times += 1) assert.equal(await look(), expected);
}

/** Every endpoint of values refuses, with whatever id and body. */
async function assertLocked(): Promise<void> {
  const body = value('k');
  const answers = [
    () => root.get('/vault'),
    () => root.get('/vault?sort=nonsense'),
    () => root.post('/vault', { body }),
    () => root.post('/vault', { body: {} }),
    () => root.get('/vault/1'),
    () => root.get('/vault/99'),
    () => root.put('/vault/1', { body }),
    () => root.put('/vault/99', { body: {} }),
    () => root.delete('/vault/1'),
    () => root.delete('/vault/99'),
  ];
  for (const ask of answers) assert.equal((await ask()).refusal, '409 vault is locked', String(ask));
  // What can be said without the vault is said first.
  assert.equal(
    (await root.get('/vault/abc')).refusal,
    '400 Non-numeric integer value provided: abc for param vault_value_id',
  );
  assert.equal((await root.put('/vault/1', { body: { z: 1 } })).refusal, '400 Invalid JSON data.');
  assert.equal((await root.post('/vault', { body: '' })).refusal, '400 Missing body with json data.');
}

describe('the states of the vault', () => {
  before(start);
  after(() => server?.remove());

  test('uninitialized', async () => {
    await everywhere(state, '{"data":{"init":"uninitialized","status":""}}');
    await assertLocked();
    assert.equal((await unlock()).refusal, '409 vault is not initialized yet');
    assert.equal((await unlock('')).refusal, '409 vault is not initialized yet');
    assert.equal((await lock()).refusal, '409 vault is already locked');
  });

  test('passwords that are too short or too long make no vault', async () => {
    for (const [password, text] of [
      ['', 'short, expected length is 4 bytes, provided length is 0 bytes'],
      ['a', 'short, expected length is 4 bytes, provided length is 1 bytes'],
      ['ab', 'short, expected length is 4 bytes, provided length is 2 bytes'],
      ['é', 'short, expected length is 4 bytes, provided length is 2 bytes'],
      ['abc', 'short, expected length is 4 bytes, provided length is 3 bytes'],
      ['a'.repeat(33), 'long, expected length is 32 bytes, provided length is 33 bytes'],
      ['é'.repeat(17), 'long, expected length is 32 bytes, provided length is 34 bytes'],
    ] as const) {
      assert.equal((await init(password)).refusal, `400 password is too ${text}`);
    }
    const bodies = [
      ['{}', '400 password is too short, expected length is 4 bytes, provided length is 0 bytes'],
      ['null', '400 password is too short, expected length is 4 bytes, provided length is 0 bytes'],
      ['{"password":1}', '400 Invalid JSON data.'],
      ['{"password":"pass1","z":1}', '400 Invalid JSON data.'],
      ['', '400 Missing body with json data.'],
    ] as const;
    for (const [body, refusal] of bodies) {
      assert.equal((await root.post('/vault-admin/init', { body })).refusal, refusal, body);
    }
    assert.match(await state(), /uninitialized/);
  });

  test('of several who make it at the same time one does', async () => {
    const answers = await Promise.all(['one1', 'two2', 'pass1', 'four'].map((password) => init(password)));
    const refusals = answers.filter(({ status }) => status !== 201).map(({ refusal }) => refusal);
    assert.deepEqual(refusals, Array(3).fill('409 vault is already initialized'));
    const [made] = answers.filter(({ status }) => status === 201);
    assert.equal(made?.text, '');
    await everywhere(state, UNLOCKED);
    assert.deepEqual(plain(await lock()), [204, '']);
    // Only the password of the one that was let in opens it.
    const tried = ['one1', 'two2', 'pass1', 'four'][answers.findIndex(({ status }) => status === 201)];
    assert.deepEqual(plain(await unlock(tried)), [201, '']);
  });
});

describe('a vault with values', () => {
  before(async () => {
    await start();
    assert.deepEqual(plain(await init()), [201, '']);
  });
  after(() => server?.remove());

  test('unlocked', async () => {
    await everywhere(state, UNLOCKED);
    assert.equal((await unlock()).refusal, '409 vault is already unlocked');
    assert.equal((await unlock('wrong')).refusal, '409 vault is already unlocked');
    assert.equal((await init()).refusal, '409 vault is already initialized');
    assert.equal((await init('a')).status, 400);
    assert.deepEqual(plain(await root.get('/vault')), [200, '{"data":[]}']);
  });

  test('a value comes back as it was', async () => {
    const secret = 'zażółć <&> 🔑 \u0000\n"\\\u2028';
    const body = { client_id: 'c-1', required_group: '', key: 'first', value: secret, type: 'secret' };
    const made = await root.post('/vault', { body });
    assert.deepEqual(plain(made), [201, '{"data":{"id":1}}']);
    const answer = await root.get('/vault/1');
    const { created_at: createdAt, ...rest } = answer.data<Record<string, unknown>>();
    assert.deepEqual(rest, {
      client_id: 'c-1',
      required_group: '',
      key: 'first',
      value: secret,
      type: 'secret',
      id: 1,
      updated_at: createdAt,
      created_by: 'root',
      updated_by: 'root',
    });
    assert.match(String(createdAt), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    assert.match(
      answer.text,
      /^\{"data":\{"client_id":.*"required_group":.*"key":.*"value":.*"type":.*"id":1,"created_at":.*"updated_at":.*"created_by":.*"updated_by":"root"\}\}$/,
    );
    assert.match(answer.text, /\\u003c\\u0026\\u003e/);
    assert.equal(answer.headers['cache-control'], 'no-store');
    assert.equal(answer.headers['content-type'], 'application/json; charset=UTF-8');
  });

  test('bad values are refused with everything that is wrong', async () => {
    const all = ['key is required', 'value is required', 'value type is required'];
    for (const ask of [root.post('/vault', { body: {} }), root.put('/vault/1', { body: {} })]) {
      const answer = await ask;
      assert.deepEqual([answer.status, answer.titles], [400, all]);
    }
    const odd = await root.post('/vault', { body: value('k', { type: 'Secret' }) });
    assert.equal(odd.refusal, '400 unknown or invalid value value type Secret');
    const large = await root.post('/vault', { body: value('k', { value: 'v'.repeat(65_537) }) });
    assert.match(large.refusal, /^400 value is too long/);
    // Validation comes before the question whether there is such a value.
    assert.equal((await root.put('/vault/99', { body: value('k', { type: 'x' }) })).status, 400);
  });

  test('the largest value', async () => {
    const largest = 'v'.repeat(65_536);
    const id = await add(value('large', { value: largest }));
    assert.equal((await root.get(`/vault/${id}`)).data<{ value: string }>().value, largest);
    assert.equal((await root.delete(`/vault/${id}`)).status, 204);
  });

  test('a key is unique among those of one client', async () => {
    const id = await add(value('db', { client_id: 'c-1' }));
    const again = await root.post('/vault', { body: value('db', { client_id: 'c-1' }) });
    assert.equal(again.refusal, "409 another key 'db' exists for this client 'c-1'");
    const other = await add(value('db', { client_id: 'c-2' }));
    const none = await add(value('db'));
    assert.equal(
      (await root.post('/vault', { body: value('db') })).refusal,
      "409 another key 'db' exists for this client ''",
    );
    assert.deepEqual(plain(await root.put(`/vault/${id}`, { body: value('db', { client_id: 'c-1' }) })), [
      200,
      `{"data":{"id":${id}}}`,
    ]);
    const foreign = await root.put(`/vault/${id}`, { body: value('db', { client_id: 'c-2' }) });
    assert.equal(foreign.refusal, "409 another key 'db' exists for this client 'c-2'");
    for (const one of [id, other, none]) assert.equal((await root.delete(`/vault/${one}`)).status, 204);
  });

  test('of many who take one key at the same time one gets it', async () => {
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, turn) =>
        root.post('/vault', { body: value('raced', { value: `v${turn}` }) }),
      ),
    );
    const [winner, ...others] = answers.filter(({ status }) => status === 201);
    assert.deepEqual(others, []);
    assert.ok(winner);
    for (const answer of answers) {
      if (answer === winner) continue;
      assert.equal(answer.refusal, "409 another key 'raced' exists for this client ''");
    }
    const { id } = (winner.json as { data: { id: number } }).data;
    const shown = (await root.get(`/vault/${id}`)).data<{ value: string }>().value;
    assert.equal(shown, `v${answers.findIndex(({ status }) => status === 201)}`);
    assert.equal((await root.delete(`/vault/${id}`)).status, 204);
  });

  test('a replaced value keeps who made it and nothing else', async () => {
    const id = await add(value('r', { client_id: 'c', type: 'markdown' }));
    const before = (await root.get(`/vault/${id}`)).data<Record<string, unknown>>();
    const changed = await ops.put(`/vault/${id}`, { body: { key: 'r2', value: 'new', type: 'string' } });
    assert.deepEqual(plain(changed), [200, `{"data":{"id":${id}}}`]);
    const shown = (await root.get(`/vault/${id}`)).data<Record<string, unknown>>();
    assert.deepEqual(
      { ...shown, updated_at: '' },
      {
        ...before,
        client_id: '',
        key: 'r2',
        value: 'new',
        type: 'string',
        updated_by: 'ops',
        updated_at: '',
      },
    );
    // The old key is free again.
    const again = await add(value('r', { client_id: 'c' }));
    for (const one of [id, again]) assert.equal((await root.delete(`/vault/${one}`)).status, 204);
  });

  test('a required group lets its members in, and administrators only if they are', async () => {
    const id = await add(value('of ops', { required_group: 'ops' }));
    const refusal = "403 your group doesn't allow access to this value";
    assert.equal((await ops.get(`/vault/${id}`)).data<{ value: string }>().value, 'secret of of ops');
    assert.equal((await root.get(`/vault/${id}`)).refusal, refusal);
    // Also when the new one would let him in, or its key is taken.
    assert.equal((await root.put(`/vault/${id}`, { body: value('x') })).refusal, refusal);
    assert.equal(
      (await root.put(`/vault/${id}`, { body: value('first', { client_id: 'c-1' }) })).refusal,
      refusal,
    );
    assert.equal((await root.delete(`/vault/${id}`)).refusal, refusal);
    const listed = (await root.get('/vault?filter[key]=of%20ops')).data<{ id: number }[]>();
    assert.deepEqual(
      listed.map((one) => one.id),
      [id],
    );
    // Exactly that group.
    const odd = await add(value('of Ops', { required_group: 'Ops' }));
    assert.equal((await ops.get(`/vault/${odd}`)).refusal, refusal);
    assert.equal((await ops.put(`/vault/${id}`, { body: value('of ops') })).status, 200);
    assert.equal((await root.delete(`/vault/${id}`)).status, 204);
  });

  test('ids that are none', async () => {
    for (const [id, refusal] of [
      ['abc', '400 Non-numeric integer value provided: abc for param vault_value_id'],
      ['1.5', '400 Non-numeric integer value provided: 1.5 for param vault_value_id'],
      [
        '9223372036854775808',
        '400 Non-numeric integer value provided: 9223372036854775808 for param vault_value_id',
      ],
      ['0', '400 missing "vault_value_id" route param'],
      ['-0', '400 missing "vault_value_id" route param'],
      ['99', '404 Cannot find a vault value by the provided id: 99'],
      ['-1', '404 Cannot find a vault value by the provided id: -1'],
    ] as const) {
      assert.equal((await root.get(`/vault/${id}`)).refusal, refusal);
      assert.equal((await root.delete(`/vault/${id}`)).refusal, refusal);
      const put = await root.put(`/vault/${id}`, { body: value('k') });
      assert.equal(
        put.refusal,
        refusal.startsWith('404') ? '404 cannot find entry by the provided existingID' : refusal,
      );
    }
    // What is wrong with the id comes first.
    assert.match((await root.put('/vault/abc', { body: '' })).refusal, /^400 Non-numeric/);
  });

  test('the list has neither values nor pages', async () => {
    for (const { id } of (await root.get('/vault')).data<{ id: number }[]>()) {
      await root.delete(`/vault/${id}`);
    }
    const made: number[] = [];
    for (const [key, client, caller] of [
      ['b', 'c-1', root],
      ['a', 'c-2', root],
      ['a', 'c-1', ops],
      ['Delta_1', '', ops],
    ] as const) {
      made.push(await add(value(key, { client_id: client }), caller));
    }
    const [first = 0, second = 0, third = 0, fourth = 0] = made;
    const list = async (query: string): Promise<number[]> =>
      (await root.get(`/vault?${query}`)).data<{ id: number }[]>().map(({ id }) => id);
    const all = await root.get('/vault?page[limit]=1&fields[vault]=id');
    const listed = all.json as { data: Record<string, unknown>[] };
    assert.deepEqual(Object.keys(listed), ['data']);
    assert.deepEqual(
      listed.data.map((item) => Object.keys(item)),
      Array(5).fill(['id', 'client_id', 'created_by', 'created_at', 'key']).slice(0, listed.data.length),
    );
    // `of Ops` of the test before is still there: its group has nobody.
    const rest = (await list('filter[key]=of%20Ops')).length;
    assert.equal(listed.data.length, 4 + rest);
    const mine = 'filter[key]=a,b,Delta_1';
    assert.deepEqual(await list(mine), [first, second, third, fourth]);
    assert.deepEqual(await list(`${mine}&sort=-id`), [fourth, third, second, first]);
    assert.deepEqual(await list(`${mine}&sort=key&sort=-client_id`), [fourth, second, third, first]);
    assert.deepEqual(await list(`${mine}&sort=created_by&sort=key&sort=id`), [fourth, third, second, first]);
    assert.deepEqual(await list('filter[key]=delta*'), [fourth]);
    assert.deepEqual(await list('filter[key]=delta_1'), []);
    assert.deepEqual(await list('filter[key]=A'), []);
    assert.deepEqual(await list(`filter[id]=${second},${third}`), [second, third]);
    assert.deepEqual(await list('filter[client_id]=c-1&filter[created_by]=root'), [first]);
    assert.deepEqual(await list(`filter[client_id]=&${mine}`), [fourth]);
    assert.deepEqual(await list('filter[client_id|key]=c-1,a'), [first, second, third]);
    assert.deepEqual(await list('filter[*]=c-2'), [second]);
    assert.deepEqual(await list('filter[created_at]=2*&filter[created_by]=ops'), [third, fourth]);
    const bad = await root.get('/vault?sort=value&filter[required_group]=x&filter[value]=y');
    assert.deepEqual(
      [bad.status, bad.titles],
      [
        400,
        [
          "unsupported sort field 'value'",
          "unsupported filter field 'filter[required_group]'",
          "unsupported filter field 'filter[value]'",
        ],
      ],
    );
  });

  test('locked: nothing but unlocking works, in every shard', async () => {
    assert.deepEqual(plain(await lock()), [204, '']);
    await everywhere(state, LOCKED);
    await assertLocked();
    assert.equal((await lock()).refusal, '409 vault is already locked');
    assert.equal((await init()).refusal, '409 vault is already initialized');
    for (const wrong of ['', 'wrong', 'PASS1', 'a'.repeat(1_000)]) {
      assert.equal((await unlock(wrong)).refusal, '401 wrong password provided');
    }
    assert.equal((await root.post('/vault-admin/sesame', { body: '' })).status, 400);
    await everywhere(state, LOCKED);
    assert.deepEqual(plain(await unlock()), [201, '']);
    await everywhere(state, UNLOCKED);
  });

  test('a vault is locked after a restart, and nothing is lost', async () => {
    const before = (await root.get('/vault')).text;
    const { id } = (await root.get('/vault?filter[key]=b')).data<{ id: number }[]>()[0] ?? { id: 0 };
    await server.stop();
    await server.startAgain();
    await everywhere(state, LOCKED);
    await assertLocked();
    assert.deepEqual(plain(await unlock()), [201, '']);
    assert.equal((await root.get('/vault')).text, before);
    assert.equal((await root.get(`/vault/${id}`)).data<{ value: string }>().value, 'secret of b');
  });

  test('several who unlock it, and one who locks it, come one after the other', async () => {
    assert.equal((await lock()).status, 204);
    const answers = await Promise.all([unlock(), unlock(), unlock()]);
    assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 409, 409]);
    for (let times = 0; times < 3; times += 1) {
      await lock();
      const [unlocked, locked] = await Promise.all([unlock(), lock()]);
      assert.equal(unlocked.status, 201);
      // It came before, or waited for the key and took it away again.
      if (locked.status === 204) assert.equal(await state(), LOCKED);
      else assert.deepEqual([locked.refusal, await state()], ['409 vault is already locked', UNLOCKED]);
    }
    await unlock();
  });

  test('what is written while the vault is locked is all there or refused', async () => {
    const id = await add(value('contended', { value: 'v-1' }));
    const puts = Array.from({ length: 40 }, (_, turn) =>
      root.put(`/vault/${id}`, { body: value('contended', { value: `v${turn}` }) }),
    );
    const [locked, ...answers] = await Promise.all([lock(), ...puts]);
    assert.equal(locked?.status, 204);
    for (const answer of answers) {
      if (answer.status !== 200) assert.equal(answer.refusal, '409 vault is locked');
    }
    assert.equal((await unlock()).status, 201);
    const shown = (await root.get(`/vault/${id}`)).data<{ value: string }>().value;
    const stored = answers.flatMap(({ status }, turn) => (status === 200 ? [`v${turn}`] : []));
    assert.ok([...stored, 'v-1'].includes(shown), shown);
    if (stored.length > 0) assert.notEqual(shown, 'v-1');
  });

  test('who may not: others than administrators lock nothing', async () => {
    const refusal = /^403 current user should belong to Administrators group/;
    assert.match((await ops.delete('/vault-admin/sesame')).refusal, refusal);
    assert.match((await ops.post('/vault-admin/sesame', { body: { password: 'x' } })).refusal, refusal);
    assert.match((await ops.post('/vault-admin/init', { body: { password: 'x' } })).refusal, refusal);
    assert.equal((await ops.get('/vault-admin')).status, 200);
  });

  test('after some wrong passwords everybody has to wait, whatever the shard', async () => {
    assert.equal((await lock()).status, 204);
    const answers = await Promise.all(Array.from({ length: 12 }, () => unlock('wrong')));
    const refused = answers.filter(({ status }) => status === 429);
    assert.ok(answers.length - refused.length >= 5);
    for (const answer of answers) {
      if (!refused.includes(answer)) assert.equal(answer.refusal, '401 wrong password provided');
    }
    const [first] = refused;
    assert.equal(first?.refusal, '429 too many requests, please try later');
    assert.ok(Number(first.headers['retry-after']) >= 1);
    // Nobody else is held up by that.
    assert.equal(await state(), LOCKED);
  });
});

describe('what is in the data directory', () => {
  const SECRETS = ['Kx7qVt-first-secret-9Zp', 'Rm4wYb-second-secret-3Nd', 'Hs8cLf-third-secret-6Tg'];
  before(async () => {
    await start();
    await init('pass-of-the-vault');
  });
  after(() => server?.remove());

  /** In the forms in which a value could have been written by mistake. */
  function forms(secret: string): Buffer[] {
    const bytes = Buffer.from(secret);
    const utf16 = Buffer.from(secret, 'utf16le');
    // At the two other offsets base64 looks different; what surrounds it decides about the ends.
    const base64 = [0, 1, 2].map((shift) =>
      Buffer.concat([Buffer.alloc(shift), bytes])
        .toString('base64')
        .slice(4, -4),
    );
    const texts = [bytes.toString('hex'), bytes.toString('hex').toUpperCase(), ...base64];
    return [bytes, utf16, Buffer.from(utf16).swap16(), ...texts.map((text) => Buffer.from(text))];
  }

  function assertNowhere(secrets: readonly string[]): void {
    const files = readdirSync(server.folder, { recursive: true, withFileTypes: true }).filter((file) =>
      file.isFile(),
    );
    const contents = files.map(
      (file) => [file.name, readFileSync(join(file.parentPath, file.name))] as const,
    );
    assert.ok(contents.some(([name, bytes]) => name === 'data.mdb' && bytes.includes('name-of-the-key')));
    contents.push(['what it logged', Buffer.from(server.output)]);
    for (const secret of secrets) {
      for (const form of forms(secret)) {
        for (const [name, bytes] of contents) assert.equal(bytes.includes(form), false, `${name}: ${form}`);
      }
    }
  }

  test('no value is in any file or log line, locked or unlocked, in use or freed', async () => {
    const passwords = ['pass-of-the-vault'];
    const sha256 = createHash('sha256').update('pass-of-the-vault').digest();
    const id = await add(value('name-of-the-key', { value: SECRETS[0] }));
    assertNowhere([...SECRETS, ...passwords]);
    await root.put(`/vault/${id}`, { body: value('name-of-the-key', { value: SECRETS[1] }) });
    const other = await add(value('other', { value: SECRETS[2] }));
    assert.equal((await root.get(`/vault/${other}`)).data<{ value: string }>().value, SECRETS[2]);
    assert.equal((await root.delete(`/vault/${other}`)).status, 204);
    // What is refused is not kept either.
    await root.post('/vault', { body: value('name-of-the-key', { value: SECRETS[2] }) });
    await root.post('/vault', { body: { value: SECRETS[2], z: 1 } });
    await root.post('/vault', { body: `{"value":"${SECRETS[2]}"` });
    assertNowhere([...SECRETS, ...passwords]);
    await lock();
    await unlock(SECRETS[2]);
    assertNowhere([...SECRETS, ...passwords]);
    await unlock('pass-of-the-vault');
    await server.stop();
    assertNowhere([...SECRETS, ...passwords]);
    const store = readFileSync(join(server.dataDir, 'store', 'data.mdb'));
    assert.equal(store.includes(sha256), false);
    assert.equal(store.includes(sha256.toString('base64')), false);
  });
});
