/** Users and groups in the server's own store: what every thread and process sees of them, and when. */

import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { Group } from '../../src/auth/groups/group.js';
import { ownUserWrites } from '../../src/auth/users/own-user-writes.js';
import { ownUsers } from '../../src/auth/users/own-users.js';
import type { User } from '../../src/auth/users/provider.js';
import { openStore } from '../../src/store/open.js';
import { openTables } from '../../src/store/tables.js';
import { authWorld } from '../support/auth-world.js';
import { MemoryLogger } from '../support/memory-logger.js';
import { tempFolder } from '../support/temp-folder.js';
import type { PeerRequest } from '../support/user-peer.js';

const PEER = fileURLToPath(new URL('../support/user-peer.js', import.meta.url));

const user = (username: string, more: Partial<User> = {}): User => ({
  username,
  password: '$argon2id$x',
  passwordExpired: false,
  groups: null,
  twoFaSendTo: '',
  totpSecret: '',
  ...more,
});
const group = (name: string, more: Partial<Group> = {}): Group => ({
  name,
  permissions: new Set(),
  tunnelsRestricted: null,
  commandsRestricted: null,
  ...more,
});
const taken = { status: 400, title: 'Another user with this username already exists' };
const unknown = (name: string) => ({ status: 404, title: `cannot find user by username '${name}'` });

function ownStore(t: TestContext, path = tempFolder(t)) {
  const log = new MemoryLogger();
  const store = openStore(path, { log });
  t.after(() => store.close());
  return { path, log, store, users: ownUsers(store), writes: ownUserWrites(store) };
}

test('a user is read back as he was added, changed, renamed and removed', async (t) => {
  const { users, writes } = ownStore(t);
  const anna = user('anna', {
    groups: ['b', 'a', 'b'],
    passwordExpired: true,
    twoFaSendTo: 'anna@example.org',
    totpSecret: 'otpauth://totp/x',
  });
  await writes.add(anna);
  assert.deepEqual(users.find('anna'), { ...anna, groups: ['b', 'a'] });
  await writes.change('anna', { passwordExpired: false, groups: [] });
  assert.deepEqual(users.find('anna'), { ...anna, passwordExpired: false, groups: [] });
  await writes.change('anna', { username: 'Ännä <b>', groups: ['a'] });
  assert.equal(users.find('anna'), undefined);
  assert.deepEqual(users.findCurrent('Ännä <b>'), {
    ...anna,
    username: 'Ännä <b>',
    passwordExpired: false,
    groups: ['a'],
  });
  await writes.remove('Ännä <b>');
  assert.deepEqual(await users.all(), []);
});

test('taken and unknown names are refused, and nothing is written', async (t) => {
  const { users, writes } = ownStore(t);
  await writes.add(user('anna'));
  await writes.add(user('bert'));
  const before = await users.all();
  assert.deepEqual(
    before.map(({ username }) => username),
    ['anna', 'bert'],
  );
  await assert.rejects(writes.add(user('anna', { groups: ['x'] })), taken);
  await assert.rejects(writes.change('anna', { username: 'bert' }), taken);
  await assert.rejects(writes.change('nobody', { groups: [] }), unknown('nobody'));
  await assert.rejects(writes.remove('nobody'), unknown('nobody'));
  assert.deepEqual(await users.all(), before);
});

test('a name that cannot be a key is refused on writing and unknown on reading', async (t) => {
  const { users, writes } = ownStore(t);
  await writes.add(user('anna'));
  for (const name of ['', 'a\0b', 'line\nfeed', '\ud800', 'x'.repeat(1025)]) {
    await assert.rejects(writes.add(user(name)), { status: 400 });
    await assert.rejects(writes.change('anna', { username: name }), { status: 400 });
    await assert.rejects(writes.putGroup(group(name)), { status: 400 });
    await assert.rejects(writes.change(name, { groups: [] }), unknown(name));
    await assert.rejects(writes.remove(name), unknown(name));
    assert.equal(users.find(name), undefined);
    assert.deepEqual(await users.groups([name]), []);
    assert.ok(users.decoy(name) !== undefined);
  }
});

test('of two that add the same name at the same time one is refused', async (t) => {
  const { users, writes } = ownStore(t);
  const results = await Promise.allSettled([
    writes.add(user('anna', { groups: ['one'] })),
    writes.add(user('anna', { groups: ['two'] })),
  ]);
  assert.deepEqual(results.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
  assert.equal((await users.all()).length, 1);
});

test('a user and a group are the same object while nothing changed, and another one after', async (t) => {
  const { users, writes } = ownStore(t);
  await writes.add(user('anna'));
  await writes.putGroup(group('g'));
  const [first] = await users.groups(['g']);
  const anna = users.find('anna');
  assert.equal(users.find('anna'), anna);
  assert.equal(users.findCurrent('anna'), anna);
  assert.equal((await users.all())[0], anna);
  assert.equal((await users.groups(['g']))[0], first);
  await writes.change('anna', { twoFaSendTo: 'x' });
  await writes.putGroup(group('g', { permissions: new Set(['vault']) }));
  assert.notEqual(users.find('anna'), anna);
  assert.notEqual((await users.groups(['g']))[0], first);
});

test('groups keep permissions and restrictions; removing one takes it from its members', async (t) => {
  const { users, writes } = ownStore(t);
  assert.equal(users.groupSupport, 'details');
  const ops = group('Ops', {
    permissions: new Set(['tunnels', 'vault']),
    tunnelsRestricted: { scheme: ['ssh'] },
    commandsRestricted: { allow: ['^ls'], is_sudo: false },
  });
  await writes.putGroup(ops);
  await writes.putGroup(group('Dev'));
  await writes.add(user('anna', { groups: ['Ops', 'members only'] }));
  await writes.add(user('bert', { groups: ['Dev', 'Ops'] }));
  assert.deepEqual(await users.allGroups(), [group('Dev'), ops]);
  assert.deepEqual(await users.groups(['Ops', 'nothing', 'members only']), [ops]);
  assert.deepEqual(await users.groupNames(), ['Dev', 'Ops', 'members only']);
  await writes.removeGroup('Ops');
  assert.deepEqual(await users.groupNames(), ['Dev', 'members only']);
  assert.deepEqual(
    (await users.all()).map(({ groups }) => groups),
    [['members only'], ['Dev']],
  );
  await writes.removeGroup('unknown');
  await writes.removeGroup('x'.repeat(5000));
});

test('an unknown user has the stored password of somebody, always the same', async (t) => {
  const { users, writes } = ownStore(t);
  assert.equal(users.decoy('nobody'), undefined);
  await writes.add(user('b', { password: '$2y$b' }));
  await writes.add(user('m', { password: '$argon2id$m' }));
  const names = Array.from({ length: 100 }, (_, index) => `nobody ${index}`);
  const decoys = names.map((name) => users.decoy(name));
  assert.deepEqual(new Set(decoys), new Set(['$2y$b', '$argon2id$m']));
  assert.deepEqual(
    names.map((name) => users.decoy(name)),
    decoys,
  );
  assert.equal((await users.find('b'))?.password, '$2y$b');
  await writes.change('b', { password: '$argon2id$b' });
  await users.find('b');
  assert.deepEqual(new Set(names.map((name) => users.decoy(name))), new Set(['$argon2id$b', '$argon2id$m']));
});

test('how long wrong guesses at neighbouring names take does not lead to the names between', async (t) => {
  const { users, writes } = ownStore(t);
  await writes.add(user('anna', { password: '$argon2id$anna' }));
  await writes.add(user('moritz', { password: '$2y$moritz' }));
  const names = Array.from({ length: 200 }, (_, index) => `n${index}`).sort();
  const decoys = names.map((name) => users.decoy(name));
  const changes = decoys.filter((decoy, index) => index > 0 && decoy !== decoys[index - 1]).length;
  assert.ok(changes > 50, `${changes} changes in the order of names`);
});

test('a damaged row is no user and no group; it is logged once', async (t) => {
  const path = tempFolder(t);
  const tables = openTables(path);
  const bad: [string, unknown][] = [
    ['text', 'x'],
    ['other', user('somebody else')],
    ['expired', { ...user('expired'), passwordExpired: 'no' }],
    ['empty', user('empty', { password: '' })],
    ['groups', { ...user('groups'), groups: ['a', 1] }],
  ];
  for (const [name, row] of bad) await tables.users.put(name, JSON.stringify(row));
  await tables.users.put('cut', '{"username":"cut"');
  await tables.userGroups.put('g', '{"name":"g","permissions":["vault","fly"],"tunnelsRestricted":[]}');
  await tables.userGroups.put('h', '{"name":"h","permissions":["vault","fly"]}');
  await tables.root.close();
  const { users, writes, log } = ownStore(t, path);
  for (let turn = 0; turn < 3; turn += 1) {
    for (const [name] of [...bad, ['cut']] as [string][]) assert.equal(users.find(name), undefined, name);
    assert.deepEqual(await users.all(), []);
    assert.deepEqual(await users.allGroups(), [group('h', { permissions: new Set(['vault']) })]);
  }
  assert.equal(log.lines.length, bad.length + 2);
  await assert.rejects(writes.change('cut', { groups: [] }), unknown('cut'));
  await assert.rejects(writes.add(user('cut')), taken);
  await writes.remove('cut');
  await writes.add(user('cut'));
});

test('they use the API, and a change counts with the next request', async (t) => {
  const world = await authWorld(t, { ownStore: true });
  const token = await world.token('bert');
  const groups = async (): Promise<unknown> =>
    ((await world.get('/me', token)).json() as { data: { groups: unknown } }).data.groups;
  assert.equal(await groups(), null);
  const status = (await world.get('/status', token)).json() as { data: Record<string, unknown> };
  assert.equal(status.data.users_auth_source, 'DB');
  assert.equal(status.data.group_permissions_enabled, true);
  const writes = ownUserWrites(world.store);
  await writes.change('bert', { groups: ['x'] });
  assert.deepEqual(await groups(), ['x']);
  await writes.remove('bert');
  assert.equal((await world.get('/me', token)).status, 401);
  assert.equal((await world.login('bert')).status, 401);
});

/** Another process, or a thread of this one, with the same store. */
interface Peer {
  ask(request: PeerRequest): Promise<unknown>;
  readonly child: ChildProcess | null;
}

async function startPeer(t: TestContext, kind: 'process' | 'thread', path: string): Promise<Peer> {
  const peer = kind === 'process' ? fork(PEER, [path]) : new Worker(PEER, { workerData: { path } });
  const child = peer instanceof Worker ? null : peer;
  const ended = once(peer, 'exit');
  const next = async (): Promise<unknown> => (await once(peer, 'message'))[0];
  const send = (request: PeerRequest): void => {
    if (peer instanceof Worker) peer.postMessage(request);
    else peer.send(request);
  };
  t.after(async () => {
    if (child?.signalCode != null) return;
    send('close');
    await ended;
  });
  assert.equal(await next(), 'ready');
  return {
    child,
    ask(request) {
      const answer = next();
      send(request);
      return answer;
    },
  };
}

for (const kind of ['process', 'thread'] as const) {
  test(`what another ${kind} has changed is seen at once, both ways`, async (t) => {
    const { path, users, writes } = ownStore(t);
    const peer = await startPeer(t, kind, path);
    for (let turn = 0; turn < 20; turn += 1) {
      const name = `user ${turn}`;
      assert.equal(await peer.ask({ find: name }), null);
      assert.equal(users.find(name), undefined);
      assert.equal(await peer.ask({ add: user(name) }), null);
      assert.deepEqual(users.find(name), user(name));
      await writes.change(name, { groups: ['g'] });
      assert.deepEqual(await peer.ask({ find: name }), user(name, { groups: ['g'] }));
      assert.equal(await peer.ask({ remove: name }), null);
      assert.equal(users.findCurrent(name), undefined);
    }
  });
}

test('a change that was acknowledged is there after kill -9', async (t) => {
  const path = tempFolder(t);
  const peer = await startPeer(t, 'process', path);
  assert.equal(await peer.ask({ add: user('anna') }), null);
  peer.child?.kill('SIGKILL');
  await once(peer.child as ChildProcess, 'exit');
  const { users, writes } = ownStore(t, path);
  assert.deepEqual(await users.all(), [user('anna')]);
  await writes.remove('anna');
});
