import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { clientId, tunnelId } from '../../src/ids.js';
import { openStore } from '../../src/store/open.js';
import { type Migration, migrate, StoreVersionError } from '../../src/store/schema.js';
import type { SessionRecord } from '../../src/store/sessions.js';
import type { Store } from '../../src/store/store.js';
import { openTables } from '../../src/store/tables.js';
import { clientRecord } from '../support/client-record.js';
import { MemoryLogger } from '../support/memory-logger.js';
import { withTempFolder } from '../support/temp-folder.js';

const withStore = (use: (store: Store, log: MemoryLogger) => Promise<void>): Promise<void> =>
  withTempFolder(async (path) => {
    const log = new MemoryLogger();
    const store = openStore(path, { log });
    try {
      await use(store, log);
    } finally {
      await store.close();
    }
  });

test('a client is read back as it was saved, also after reopening', async () => {
  const record = clientRecord('c-1', {
    tags: ['Linux', '<a&b>'],
    labels: { country: 'France', ['__proto__']: 'x' },
    allowedUserGroups: [],
    clientConfiguration: '{"client":{"server":"ws://x"}}',
    disconnectedAt: '2026-01-02T00:00:00.000Z',
    extIpAddresses: { ipv4: '203.0.113.1', ipv6: '', updatedAt: '2026-01-01T00:00:00.000Z', error: '' },
    updatesStatus: {
      refreshed: '2026-01-01T00:00:00Z',
      updatesAvailable: 1,
      securityUpdatesAvailable: 0,
      updateSummaries: [{ title: 't', description: 'd', rebootRequired: true, isSecurityUpdate: false }],
      rebootPending: false,
      error: '',
      hint: '',
    },
    tunnels: [
      {
        id: tunnelId('3'),
        createdAt: '2026-01-01T00:00:00.100Z',
        name: 'ssh',
        protocol: 'tcp',
        lhost: '0.0.0.0',
        lport: '23417',
        lportRandom: true,
        owner: 'admin',
        rhost: '127.0.0.1',
        rport: '22',
        scheme: 'ssh',
        acl: 'x'.repeat(20_000),
        idleTimeoutMinutes: 5,
        autoClose: 3_600_000_000_000,
        httpProxy: false,
        hostHeader: '',
        authUser: '',
        authPassword: '',
        tunnelUrl: '',
      },
    ],
  });
  await withTempFolder(async (path) => {
    const store = openStore(path, { log: new MemoryLogger() });
    await store.clients.put(record);
    assert.deepEqual(store.clients.get(record.id), record);
    await store.close();
    const reopened = openStore(path, { log: new MemoryLogger() });
    assert.deepEqual([...reopened.clients.all()], [record]);
    await reopened.clients.remove(record.id);
    assert.equal(reopened.clients.get(record.id), undefined);
    await reopened.close();
  });
});

test('only the owner may read the files', async () => {
  await withTempFolder(async (path) => {
    const store = openStore(path, { log: new MemoryLogger() });
    await store.settings.put('secret', 'x');
    assert.equal(statSync(join(path, 'store')).mode & 0o777, 0o700);
    assert.equal(statSync(join(path, 'store', 'data.mdb')).mode & 0o777, 0o600);
    assert.equal(statSync(join(path, 'store', 'lock.mdb')).mode & 0o777, 0o600);
    await store.close();
  });
});

test('ids that cannot be keys are refused on writing and unknown on reading', async () => {
  await withStore(async (store) => {
    for (const id of ['', 'a\0b', 'x'.repeat(5000), '\ud800', 'line\nfeed']) {
      await assert.rejects(store.clients.put(clientRecord(id)), { status: 400 });
      assert.equal(store.clients.get(clientId(id)), undefined);
      await store.clients.remove(clientId(id));
    }
  });
});

test('unreadable and foreign client rows are skipped with a log line, damaged fields read as empty', async () => {
  await withTempFolder(async (path) => {
    const tables = openTables(path);
    await tables.clients.put('broken', '{"id":');
    await tables.clients.put('list', '[]');
    await tables.clients.put('other', '{"id":"somebody else"}');
    await tables.clients.put(
      'odd',
      '{"id":"odd","name":7,"numCpus":"two","tunnels":[{"id":1}],"tags":["a",1]}',
    );
    await tables.root.close();
    const log = new MemoryLogger();
    const store = openStore(path, { log });
    const clients = [...store.clients.all()];
    assert.deepEqual(
      clients.map(({ id, name, numCpus, tunnels, tags }) => ({ id, name, numCpus, tunnels, tags })),
      [{ id: 'odd', name: '', numCpus: 0, tunnels: [], tags: null }],
    );
    assert.equal(log.lines.length, 3);
    assert.equal(store.clients.get(clientId('broken')), undefined);
    await store.close();
  });
});

test('a newer schema is refused and left alone, an older one is migrated once and in order', async () => {
  await withTempFolder(async (path) => {
    const tables = openTables(path);
    migrate(tables, []);
    assert.equal(tables.meta.get('schema_version'), '1');
    const ran: string[] = [];
    const steps: Migration[] = [
      ({ settings }) => {
        ran.push('to 2');
        settings.put('greeting', 'hello');
      },
      ({ settings }) => {
        ran.push('to 3');
        settings.put('greeting', `${settings.get('greeting')} again`);
      },
    ];
    migrate(tables, steps);
    migrate(tables, steps);
    assert.deepEqual(ran, ['to 2', 'to 3']);
    assert.equal(tables.meta.get('schema_version'), '3');
    assert.equal(tables.settings.get('greeting'), 'hello again');
    const failing: Migration = ({ settings }) => {
      settings.put('greeting', 'half done');
      throw new Error('cannot');
    };
    assert.throws(() => migrate(tables, [...steps, failing]), /cannot/);
    assert.equal(tables.settings.get('greeting'), 'hello again');
    assert.equal(tables.meta.get('schema_version'), '3');
    await tables.meta.put('schema_version', '9999');
    await tables.root.close();
    assert.throws(
      () => openStore(path, { log: new MemoryLogger() }),
      (error) => error instanceof StoreVersionError && /version 9999/.test(error.message),
    );
    const again = openTables(path);
    assert.equal(again.meta.get('schema_version'), '9999');
    await again.root.close();
  });
});

const session = (id: number, changes: Partial<SessionRecord> = {}): SessionRecord => ({
  id,
  tokenId: `t-${id}`,
  username: 'admin',
  issuedTo: changes.username ?? 'admin',
  pending: false,
  expiresAt: 1000,
  lastAccessAt: 1,
  userAgent: 'curl',
  ipAddress: '127.0.0.1',
  ...changes,
});

test('sessions are found by id and by user', async () => {
  await withStore(async (store) => {
    await Promise.all([
      store.sessions.put(session(1)),
      store.sessions.put(session(2 ** 53 - 1)),
      store.sessions.put(session(3, { username: 'admin2' })),
    ]);
    assert.deepEqual(store.sessions.get(1), session(1));
    assert.deepEqual(
      [...store.sessions.byUser('admin')].map(({ id }) => id),
      [1, 2 ** 53 - 1],
    );
    await store.sessions.remove(1);
    assert.equal(store.sessions.get(1), undefined);
    assert.deepEqual(
      [...store.sessions.byUser('admin')].map(({ id }) => id),
      [2 ** 53 - 1],
    );
    assert.deepEqual([...store.sessions.byUser('nobody\0')], []);
  });
});

test('a user has so many sessions, of which the ones unused for longest end', async () => {
  await withStore(async (store) => {
    for (let id = 1; id <= 12; id += 1) {
      await store.sessions.put(session(id, { lastAccessAt: id === 1 ? 99 : id }), 10);
      await store.sessions.put(session(100 + id, { username: 'admin2', lastAccessAt: id }), 10);
    }
    const ids = (username: string) => [...store.sessions.byUser(username)].map(({ id }) => id);
    assert.deepEqual(ids('admin'), [1, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    assert.equal(store.sessions.get(2), undefined);
    assert.equal(ids('admin2').length, 10);
    for (let id = 201; id <= 230; id += 1) await store.sessions.put(session(id, { pending: true }), 10);
    assert.equal(ids('admin').length, 20, 'half a login ends no whole one');
    assert.ok(store.sessions.get(1) !== undefined);
  });
});

test('using a session does not bring it back after its removal', async () => {
  await withStore(async (store) => {
    const use = { expiresAt: 5000, lastAccessAt: 2, userAgent: 'b', ipAddress: '::1' };
    await store.sessions.put(session(1));
    assert.equal(await store.sessions.touch(1, use), true);
    assert.deepEqual(store.sessions.get(1), { ...session(1), ...use });
    const removed = store.sessions.remove(1);
    assert.equal(await store.sessions.touch(1, use), false);
    await removed;
    assert.equal(store.sessions.get(1), undefined);
  });
});

test('expired sessions are removed in any number, others stay', async () => {
  await withStore(async (store) => {
    const puts: Promise<void>[] = [];
    for (let id = 1; id <= 2500; id++) {
      puts.push(store.sessions.put(session(id, { expiresAt: id % 5 === 0 ? 9000 : 10 })));
    }
    await Promise.all(puts);
    assert.equal(await store.sessions.removeExpired(1000), 2000);
    assert.equal([...store.sessions.byUser('admin')].length, 500);
    assert.equal(await store.sessions.removeExpired(1000), 0);
  });
});

test('settings keep text', async () => {
  await withStore(async (store) => {
    assert.equal(store.settings.get('jwt_secret'), undefined);
    await store.settings.put('jwt_secret', 'ü"\n');
    assert.equal(store.settings.get('jwt_secret'), 'ü"\n');
    await store.flushed();
  });
});
