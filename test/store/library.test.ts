import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ScriptEntry } from '../../src/library/entry.js';
import type { LibraryPlace, LibraryRepository } from '../../src/store/library.js';
import { openStore } from '../../src/store/open.js';
import { openTables } from '../../src/store/tables.js';
import { libraryScript as script } from '../support/library-entry.js';
import { MemoryLogger } from '../support/memory-logger.js';
import { tempFolder } from '../support/temp-folder.js';

function idsOf(repository: LibraryRepository<ScriptEntry>, reverse = false, limit = 2): string[] {
  const ids: string[] = [];
  let after: LibraryPlace | undefined;
  for (;;) {
    const rows = repository.chunk({ reverse, ...(after && { after }), limit });
    ids.push(...rows.flatMap(({ entry }) => entry?.id ?? []));
    after = rows.at(-1);
    if (after === undefined) return ids;
  }
}

test('entries come back as they were stored, in the order of creation, in chunks and both ways', async (t) => {
  const folder = tempFolder(t);
  const store = openStore(folder, { log: new MemoryLogger() });
  const { libraryScripts: scripts, libraryCommands: commands } = store;
  const whole = script('b', 'n\nß', 5, {
    interpreter: 'taco',
    isSudo: true,
    cwd: '/x',
    tags: [],
    timeoutSec: -1,
  });
  for (const stored of [script('z', 'one', 1), whole, script('a', 'two', 5), script('c', 'three', 9)]) {
    assert.equal(await scripts.add(stored), true);
  }
  assert.equal(await commands.add(script('d', 'one', 3)), true, 'commands have names of their own');
  assert.deepEqual(idsOf(scripts), ['z', 'a', 'b', 'c']);
  assert.deepEqual(idsOf(scripts, true), ['c', 'b', 'a', 'z']);
  assert.deepEqual([scripts.count(), commands.count()], [4, 1]);
  const idsFrom = (reverse: boolean, offset: number) =>
    scripts.chunk({ reverse, offset, limit: 2 }).map(({ id }) => id);
  assert.deepEqual([idsFrom(false, 1), idsFrom(true, 3), idsFrom(false, 9)], [['a', 'b'], ['z'], []]);
  await store.close();
  const again = openStore(folder, { log: new MemoryLogger() });
  assert.deepEqual(again.libraryScripts.get('b'), whole);
  assert.deepEqual(
    ['', 'd', '\u0000', 'x'.repeat(5_000)].map((id) => again.libraryScripts.get(id)),
    [undefined, undefined, undefined, undefined],
  );
  await again.close();
});

test('a name belongs to one entry, whatever its length, and is free again when it is given up', async (t) => {
  const store = openStore(tempFolder(t), { log: new MemoryLogger() });
  const { libraryScripts: scripts } = store;
  const long = 'n'.repeat(9_000);
  assert.equal(await scripts.add(script('1', long, 1)), true);
  assert.equal(await scripts.add(script('2', long, 2)), false);
  assert.equal(await scripts.add(script('2', `${long}!`, 2)), true);
  assert.equal(await scripts.add(script('3', 'N*', 3)), true);
  assert.equal(await scripts.add(script('4', 'n*', 4)), true);
  const rename = async (id: string, name: string) =>
    (await scripts.change(id, ({ createdAt }) => script(id, name, Date.parse(createdAt) / 1000))).result;
  const version = scripts.version();
  assert.equal(await rename('2', long), 'name_taken');
  assert.equal(await rename('9', 'x'), 'unknown');
  assert.equal(scripts.version(), version);
  assert.equal(await rename('2', `${long}!`), 'changed');
  assert.equal(await rename('2', 'other'), 'changed');
  assert.notEqual(scripts.version(), version);
  assert.equal(await scripts.add(script('5', `${long}!`, 5)), true);
  assert.equal(await scripts.remove('1'), true);
  assert.equal(await scripts.remove('1'), false);
  assert.equal(scripts.text('1'), undefined);
  assert.equal(await rename('3', long), 'changed');
  assert.deepEqual(idsOf(scripts), ['2', '3', '4', '5']);
  await store.close();
});

test('of many that want the same name at once, over several connections, one gets it', async (t) => {
  const folder = tempFolder(t);
  const stores = [1, 2].map(() => openStore(folder, { log: new MemoryLogger() }));
  const added = await Promise.all(
    Array.from({ length: 20 }, (_, n) => stores[n % 2]?.libraryScripts.add(script(`id-${n}`, 'same', n))),
  );
  assert.equal(added.filter((done) => done === true).length, 1);
  assert.deepEqual(
    stores.map((store) => store.libraryScripts.count()),
    [1, 1],
  );
  for (const store of stores) await store.close();
});

test('changes are told by their numbers, each with the entry as it is now', async (t) => {
  const store = openStore(tempFolder(t), { log: new MemoryLogger() });
  const { libraryScripts: scripts } = store;
  const start = scripts.version();
  await scripts.add(script('1', 'one', 1));
  await scripts.add(script('2', 'two', 2));
  const between = scripts.version();
  await scripts.add(script('1', 'two', 1));
  await scripts.change('2', () => script('2', 'three', 2));
  await scripts.remove('1');
  assert.deepEqual([between - start, scripts.version() - between], [2, 2]);
  const now = script('2', 'three', 2).entry;
  assert.deepEqual(
    [...(scripts.changesSince(start) ?? [])],
    [
      ['1', undefined],
      ['2', now],
    ],
  );
  assert.deepEqual(
    [...(scripts.changesSince(between) ?? [])],
    [
      ['2', now],
      ['1', undefined],
    ],
  );
  assert.deepEqual([...(scripts.changesSince(scripts.version()) ?? ['no'])], []);
  assert.equal(scripts.changesSince(scripts.version() + 1), null);
  await Promise.all(Array.from({ length: 1000 }, () => scripts.change('2', () => script('2', 'three', 2))));
  assert.equal(scripts.changesSince(start), null);
  assert.equal(scripts.changesSince(scripts.version() - 1000)?.size, 1);
  await store.close();
});

test('an unreadable row is skipped and said', async (t) => {
  const folder = tempFolder(t);
  const log = new MemoryLogger();
  const store = openStore(folder, { log });
  await store.libraryScripts.add(script('1', 'one', 1));
  await store.libraryScripts.add(script('2', 'two', 2));
  const tables = openTables(folder);
  await tables.libraryRows.put(['script', 1000, '1'], '{"id":"1","name":7}');
  assert.deepEqual(idsOf(store.libraryScripts), ['2']);
  assert.equal(store.libraryScripts.get('1'), undefined);
  assert.ok(log.lines.some((line) => line.includes('library script "1"')));
  assert.equal(await store.libraryScripts.remove('1'), true);
  await tables.root.close();
  await store.close();
});
