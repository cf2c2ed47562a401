/** The one writer of the audit log: acknowledged entries, rotation into files and retention. Spec 03 §12.2. */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { spawnAudit } from '../../../src/actors/audit/behavior.js';
import { type AuditMessage, auditRef } from '../../../src/actors/audit/messages.js';
import { remoteAudit } from '../../../src/actors/audit/remote-audit.js';
import { createActorSystem } from '../../../src/actors/runtime/system.js';
import type { AuditLog } from '../../../src/audit/audit-log.js';
import { readEntry } from '../../../src/audit/chain.js';
import { verifyAuditLog } from '../../../src/audit/verify.js';
import type { AuditLogRotation } from '../../../src/config/types.js';
import { openStore } from '../../../src/store/open.js';
import type { Store } from '../../../src/store/store.js';
import { eventually } from '../../support/eventually.js';
import { ManualClock } from '../../support/manual-clock.js';
import { MemoryLogger } from '../../support/memory-logger.js';
import { tempFolder } from '../../support/temp-folder.js';

const DAY = 86_400_000;

interface World {
  readonly store: Store;
  readonly dataDir: string;
  readonly clock: ManualClock;
  readonly log: MemoryLogger;
  readonly api: {
    enableAuditLog: boolean;
    useIpObfuscation: boolean;
    auditLogRotation: AuditLogRotation;
    auditLogKeep: number | null;
  };
  readonly audit: AuditLog;
  add(name: string): Promise<void>;
  /** Moves the time on, and waits until the actor has done what was due. */
  later(by: number): Promise<void>;
  /** What rests in the table. */
  live(): string[];
  files(): string[];
  idsIn(file: string): string[];
  /** Everything that is wrong; empty when all is well. */
  broken(): Promise<string[]>;
  stop(): Promise<void>;
}

function world(
  t: TestContext,
  options: { dataDir?: string; clock?: ManualClock; wrap?: (store: Store) => Store } = {},
): World {
  const { dataDir = tempFolder(t), clock = new ManualClock(), wrap = (store) => store } = options;
  const log = new MemoryLogger();
  const opened = openStore(dataDir, { log });
  const store = wrap(opened);
  const system = createActorSystem({ thread: 0, clock, log });
  const api: World['api'] = {
    enableAuditLog: true,
    useIpObfuscation: false,
    auditLogRotation: 'daily',
    auditLogKeep: null,
  };
  spawnAudit(system, { config: { api, server: { dataDir } }, store, log });
  const audit = remoteAudit({ system, api, log });
  const stop = async (): Promise<void> => {
    await system.shutdown();
    await opened.close();
  };
  t.after(stop);
  const idle = () => eventually('the actor to wait for the next time', () => clock.waiting > 0);
  const ids = (lines: readonly string[]): string[] =>
    lines.map((line) => readEntry(line)?.entry.affectedId ?? '?');
  return {
    store,
    dataDir,
    clock,
    log,
    api,
    audit,
    add: (affectedId) => audit.record([{ application: 'client', action: 'delete', affectedId }]),
    async later(by) {
      await idle();
      clock.advance(by);
      await idle();
      // Whatever `advance` has begun ends with a new alarm.
      system.tell(auditRef, { type: 'settings' } satisfies AuditMessage);
      await eventually('the actor to be idle', () => clock.waiting > 0);
    },
    live() {
      const { head, archive } = store.audit.state();
      return ids(
        store.audit
          .lines({ from: archive.rotated.seq + 1, to: head.seq, limit: 10_000 })
          .map(({ line }) => line),
      );
    },
    files: () =>
      readdirSync(dataDir)
        .filter((name) => name.startsWith('auditlog'))
        .sort(),
    idsIn: (file) => ids(readFileSync(join(dataDir, file), 'utf8').trimEnd().split('\n')),
    async broken() {
      const { checked } = await verifyAuditLog(store.audit, dataDir);
      return checked.flatMap(({ file, wrong }) => (wrong === null ? [] : [`${file}: ${wrong}`]));
    },
    stop,
  };
}

test('entries recorded together have one time; all are there when it is answered', async (t) => {
  const { audit, store, clock } = world(t);
  await audit.record([
    {
      application: 'client.command',
      action: 'execute.start',
      clientId: 'a',
      request: { command: 'id', password: 'p' },
    },
    { application: 'client.command', action: 'execute.start', clientId: 'b', response: { jid: '1' } },
  ]);
  const entries = store.audit.lines({ from: 1, to: 9, limit: 9 }).map(({ line }) => readEntry(line)?.entry);
  assert.deepEqual(
    entries.map((entry) => [entry?.seq, entry?.timestamp, entry?.clientId, entry?.request, entry?.response]),
    [
      [1, clock.now(), 'a', '{"command":"id","password":""}', ''],
      [2, clock.now(), 'b', '', '{"jid":"1"}'],
    ],
  );
});

test('many at once share a few transactions and keep their order', async (t) => {
  let transactions = 0;
  const { add, live, broken } = world(t, {
    wrap: (store) => ({
      ...store,
      audit: {
        ...store.audit,
        append: (contents) => {
          transactions++;
          return store.audit.append(contents);
        },
      },
    }),
  });
  const names = Array.from({ length: 900 }, (_, n) => `c${n}`);
  await Promise.all(names.map(add));
  assert.deepEqual(live(), names);
  assert.ok(transactions <= 5, `${transactions} transactions`);
  assert.deepEqual(await broken(), []);
});

test('a log that cannot be written is complained of, and fails nobody', async (t) => {
  const { add, log } = world(t, {
    wrap: (store) => ({
      ...store,
      audit: { ...store.audit, append: () => Promise.reject(new Error('disk full')) },
    }),
  });
  await add('lost\nline');
  assert.match(
    log.lines.join('|'),
    /error: auditlog: disk full; maybe not recorded: client delete "lost\\+nline" by ""/,
  );
  const cycle: { self?: unknown } = {};
  cycle.self = cycle;
  const { audit, log: other, live } = world(t);
  await audit.record([{ application: 'x', action: 'y', request: cycle }]);
  assert.match(other.lines.join('|'), /error: auditlog: .*circular/i);
  assert.deepEqual(live(), []);
});

test('more than may wait for the disk is complained of; what waits is written', async (t) => {
  let write = (): void => undefined;
  const slow = new Promise<void>((resolve) => {
    write = resolve;
  });
  const { audit, log, store } = world(t, {
    wrap: (store) => ({
      ...store,
      audit: { ...store.audit, append: (contents) => slow.then(() => store.audit.append(contents)) },
    }),
  });
  const drafts = (count: number) =>
    Array.from({ length: count }, () => ({ application: 'client.command', action: 'execute.start' }));
  // One under way, the next within the bound, the third beyond it.
  const kept = [audit.record(drafts(600)), audit.record(drafts(9_000))];
  await audit.record(drafts(2_000));
  assert.match(log.lines.join('|'), /error: auditlog: .*; maybe not recorded: client.command execute.start/);
  write();
  await Promise.all(kept);
  assert.equal(store.audit.state().head.seq, 9_600);
});

test('after the end, entries are complained of instead of waited for', async (t) => {
  const { add, stop, log } = world(t);
  await stop();
  await add('late');
  assert.match(
    log.lines.join('|'),
    /auditlog: the audit log has been closed; maybe not recorded: client delete "late"/,
  );
});

test('nothing is recorded while the log is off', async (t) => {
  const { add, api, live } = world(t);
  api.enableAuditLog = false;
  await add('one');
  assert.deepEqual(live(), []);
  api.enableAuditLog = true;
  await add('two');
  assert.deepEqual(live(), ['two']);
});

test('entries move to a file when the oldest one is old enough, however long the server runs', async (t) => {
  const { add, later, live, files, idsIn, broken, dataDir, store } = world(t);
  await later(5 * DAY);
  await add('one');
  await later(DAY - 1);
  await add('two');
  assert.deepEqual([live(), files()], [['one', 'two'], []]);
  await later(1);
  await eventually('the rotation', () => files().join() === 'auditlog.2026-01-07.jsonl');
  await eventually('the table to be empty', () => live().length === 0 && store.audit.line(1) === undefined);
  assert.deepEqual(idsIn('auditlog.2026-01-07.jsonl'), ['one', 'two']);
  assert.equal(statSync(join(dataDir, 'auditlog.2026-01-07.jsonl')).mode & 0o777, 0o600);
  await add('three');
  assert.deepEqual(live(), ['three']);
  assert.deepEqual(await broken(), []);
});

test('what has become old while the server was down moves at its start; a file there already is kept', async (t) => {
  const first = world(t);
  await first.add('old');
  await first.stop();
  const clock = new ManualClock(first.clock.now() + 40 * DAY);
  const taken = 'auditlog.2026-02-10.jsonl';
  writeFileSync(join(first.dataDir, taken), 'not ours');
  const second = world(t, { dataDir: first.dataDir, clock });
  clock.advance(0);
  await eventually(
    'the rotation',
    () => second.files().includes('auditlog.2026-02-10.1.jsonl') && second.live().length === 0,
  );
  assert.equal(readFileSync(join(first.dataDir, taken), 'utf8'), 'not ours');
  assert.deepEqual(second.idsIn('auditlog.2026-02-10.1.jsonl'), ['old']);
  assert.deepEqual((await verifyAuditLog(second.store.audit, first.dataDir)).strangers, [taken]);
  assert.deepEqual(await second.broken(), []);
});

test('files are deleted when their last entry was kept long enough; the chain begins behind them', async (t) => {
  const { add, later, files, broken, api, store, dataDir } = world(t);
  api.auditLogKeep = 10 * DAY;
  for (const name of ['one', 'two', 'three']) {
    await add(name);
    await later(4 * DAY);
    await eventually(
      `the rotation of ${name}`,
      () => store.audit.state().archive.rotated.seq === store.audit.state().head.seq,
    );
  }
  // The first is 12 days old by now.
  await eventually(
    'the first file to go',
    () => files().length === 2 && store.audit.state().archive.deleting.length === 0,
  );
  assert.deepEqual(files(), ['auditlog.2026-01-09.jsonl', 'auditlog.2026-01-13.jsonl']);
  assert.deepEqual(await broken(), []);
  assert.equal((await verifyAuditLog(store.audit, dataDir)).anchor.seq, 1);
  rmSync(join(dataDir, 'auditlog.2026-01-09.jsonl'));
  assert.deepEqual(await broken(), [
    'auditlog.2026-01-09.jsonl: the file is missing, with the entries 2 to 2',
  ]);
});

test('the log is whole at every moment of a rotation', async (t) => {
  const { audit, clock, files, live, broken, store } = world(t);
  const drafts = Array.from({ length: 5_000 }, () => ({ application: 'client', action: 'delete' }));
  await audit.record(drafts);
  await eventually('the actor to wait', () => clock.waiting > 0);
  clock.advance(DAY);
  let looks = 0;
  while (live().length > 0 || store.audit.line(1) !== undefined) {
    assert.deepEqual(await broken(), []);
    looks++;
  }
  assert.ok(looks > 1, `${looks} looks`);
  assert.equal(files().length, 1);
  assert.deepEqual(await broken(), []);
});

/** Lets a step of the rotation fail, as a crash right before it would. */
const crashes: readonly [string, (store: Store) => Store][] = [
  ['before the entries are noted as being moved', (store) => failing(store, 1)],
  ['before they count as moved, with the file complete', (store) => failing(store, 2)],
  [
    'before they are removed',
    (store) => ({
      ...store,
      audit: { ...store.audit, removeThrough: () => Promise.reject(new Error('crash')) },
    }),
  ],
];

function failing(store: Store, step: number): Store {
  let saves = 0;
  return {
    ...store,
    audit: {
      ...store.audit,
      saveArchive: (archive) =>
        ++saves >= step ? Promise.reject(new Error('crash')) : store.audit.saveArchive(archive),
    },
  };
}

for (const [name, wrap] of crashes) {
  test(`a crash ${name} loses nothing and keeps nothing twice`, async (t) => {
    const first = world(t);
    await first.add('one');
    await first.add('two');
    await first.stop();
    const clock = new ManualClock(first.clock.now() + 2 * DAY);
    const crashed = world(t, { dataDir: first.dataDir, clock, wrap });
    clock.advance(0);
    await eventually('the crash', () => crashed.log.lines.includes('error: auditlog: crash'));
    // As it would be seen while no server runs.
    assert.deepEqual(await crashed.broken(), []);
    await crashed.stop();
    const again = world(t, { dataDir: first.dataDir, clock });
    clock.advance(0);
    await again.add('three');
    await eventually(
      'the rotation',
      () => again.store.audit.line(1) === undefined && again.files().length === 1,
    );
    assert.deepEqual(again.files().flatMap(again.idsIn).concat(again.live()), ['one', 'two', 'three']);
    assert.deepEqual(await again.broken(), []);
  });
}

test('every change of a file, of the table and of its end is found', async (t) => {
  const { add, later, live, files, broken, dataDir, store } = world(t);
  for (const name of ['one', 'two', 'three']) await add(name);
  await later(DAY);
  await eventually('the rotation', () => files().length === 1 && live().length === 0);
  const path = join(dataDir, files()[0] ?? '');
  const text = readFileSync(path, 'utf8');
  const [one = '', two = '', three = ''] = text.split('\n');
  const says = async (content: string, wrong: RegExp): Promise<void> => {
    writeFileSync(path, content);
    const [found = '', ...more] = await broken();
    assert.match(found, wrong);
    assert.deepEqual(more, []);
  };
  await says(text.replace('two', 'owt'), /: entry 2 \(2026-01-01T00:00:00.000Z\) is not what was written/);
  await says(`${one}\n${three}\n`, /: entry 2 is missing, entry 3 is in its place/);
  await says(`${two}\n${three}\n`, /: entry 1 is missing, entry 2 is in its place/);
  await says(`${one}\n${two}\n`, /: entries 3 to 3 are missing at the end/);
  await says(`${one}\n${two}\n${two}\n${three}\n`, /: entry 3 is missing, entry 2 is in its place/);
  await says(`${text}x\n`, /: entry 4 is unreadable/);
  await says('', /: entries 1 to 3 are missing at the end/);
  writeFileSync(path, text);
  assert.deepEqual(await broken(), []);
  // Of the table, the newest ones; the head is kept apart.
  await add('four');
  await add('five');
  const { head } = store.audit.state();
  await store.audit.removeThrough(4, 1);
  assert.deepEqual(await broken(), ['null: entry 4 is missing, entry 5 is in its place']);
  await store.audit.removeThrough(head.seq, 1);
  assert.deepEqual(await broken(), ['null: entries 4 to 5 are missing at the end']);
});
