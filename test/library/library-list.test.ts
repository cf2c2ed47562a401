/** Pages of many entries, of entries too many to be kept, and beside changes of other threads. Spec 03 §10. */

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { scriptKind } from '../../src/library/kind.js';
import { LibraryList } from '../../src/library/library-list.js';
import type { Filter, ListOptions, SortKey } from '../../src/query/types.js';
import { openStore } from '../../src/store/open.js';
import { libraryScript } from '../support/library-entry.js';
import { MemoryLogger } from '../support/memory-logger.js';
import { seeded } from '../support/random.js';
import { tempFolder } from '../support/temp-folder.js';

function open(t: TestContext) {
  const folder = tempFolder(t);
  const store = openStore(folder, { log: new MemoryLogger() });
  t.after(() => store.close());
  return { folder, scripts: store.libraryScripts, list: new LibraryList(store.libraryScripts, scriptKind) };
}

const options = (parts: Partial<ListOptions>): ListOptions => ({
  sorts: [],
  filters: [],
  fields: {},
  offset: 0,
  limit: 3,
  ...parts,
});
const by = (column: string, descending = false): SortKey[] => [{ column, descending }];
const where = (column: string, value: string): Filter[] => [
  { columns: [column], operator: '', values: [value], combine: 'or' },
];
const namesOf = async (list: ReturnType<typeof open>['list'], parts: Partial<ListOptions>) => {
  const { items, count } = await list.page(options(parts), ['name']);
  return [items.map(({ entry }) => entry.name), count];
};

test('what another thread has changed is in the next list, whatever it was sorted by before', async (t) => {
  const { folder, scripts, list } = open(t);
  const other = openStore(folder, { log: new MemoryLogger() });
  t.after(() => other.close());
  for (const [n, name] of ['b', 'c', 'a'].entries()) await scripts.add(libraryScript(`${n}`, name, n));
  assert.deepEqual(await namesOf(list, { sorts: by('name') }), [['a', 'b', 'c'], 3]);
  assert.deepEqual(await namesOf(list, {}), [['b', 'c', 'a'], 3]);
  await other.libraryScripts.add(libraryScript('9', 'B', 1));
  assert.deepEqual(await namesOf(list, { sorts: by('name') }), [['B', 'a', 'b'], 4]);
  await other.libraryScripts.change('0', ({ createdAt }) =>
    libraryScript('0', 'z', Date.parse(createdAt) / 1000),
  );
  assert.deepEqual(await namesOf(list, { sorts: by('name', true) }), [['z', 'c', 'a'], 4]);
  await other.libraryScripts.remove('9');
  assert.deepEqual(await namesOf(list, { sorts: by('created_at', true) }), [['a', 'c', 'z'], 3]);
});

test('after random changes, a list that has followed them is the one a new reader makes', async (t) => {
  const { folder, scripts, list } = open(t);
  const other = openStore(folder, { log: new MemoryLogger() });
  t.after(() => other.close());
  const random = seeded(7);
  const writers = [scripts, other.libraryScripts];
  const columns = ['name', 'created_at', 'updated_by', 'tags', 'is_sudo'];
  const made = (id: number) =>
    libraryScript(`${id}`, `n${random.below(60)}`, random.below(9), {
      tags: random.list(2, () => random.pick(['a', 'b'])),
      isSudo: random.once(2),
      updatedBy: random.pick(['x', 'y']),
    });
  for (let round = 0; round < 60; round++) {
    // Mostly a few changes, at times more than are followed one by one.
    for (let left = random.once(10) ? 80 : random.below(5); left > 0; left--) {
      const id = random.below(40);
      const writer = random.pick(writers);
      if (random.once(3)) await writer.remove(`${id}`);
      else if (writer.get(`${id}`) === undefined) await writer.add(made(id));
      else
        await writer.change(`${id}`, ({ createdAt }) => {
          const { entry, text } = made(id);
          return { entry: { ...entry, createdAt }, text };
        });
    }
    const fresh = new LibraryList(other.libraryScripts, scriptKind);
    for (const sorts of [[], by(random.pick(columns)), by(random.pick(columns), true)]) {
      const asked = options({ sorts, limit: 100 });
      assert.deepEqual(await list.page(asked, undefined), await fresh.page(asked, undefined));
    }
  }
});

test('a list of texts holds up neither the thread nor other lists', async (t) => {
  const { scripts, list } = open(t);
  const text = 'a line of the script\n'.repeat(200);
  const entries = Array.from({ length: 3_000 }, (_, n) =>
    libraryScript(`id-${n}`, `n-${n}`, n, {}, `${text}${n}`),
  );
  await Promise.all(entries.map((entry) => scripts.add(entry)));
  await namesOf(list, {});
  const ended: string[] = [];
  let turns = 0;
  const tick = (): void => {
    turns++;
    if (ended.length < 2) setImmediate(tick);
  };
  setImmediate(tick);
  const long = namesOf(list, { filters: where('script', '*\n2999') }).then((found) => {
    ended.push('texts');
    return found;
  });
  const short = namesOf(list, { filters: where('name', 'n-7') }).then((found) => {
    ended.push('names');
    return found;
  });
  assert.deepEqual(
    [await long, await short],
    [
      [['n-2999'], 1],
      [['n-7'], 1],
    ],
  );
  assert.deepEqual(ended, ['names', 'texts']);
  assert.ok(turns > 3, `others had ${turns} turns`);
});

test('entries too many to be kept are listed all the same', async (t) => {
  const { scripts, list } = open(t);
  const long = 'x'.repeat(1024 * 1024);
  const nameOf = (n: number): string => `n-${(n * 7) % 10}${n}`;
  // 20 MiB of rows; names decide, the tag makes them long.
  for (let n = 0; n < 20; n++) {
    await scripts.add(libraryScript(`id-${n}`, nameOf(n), n, { tags: [long, `t${n % 2}`] }));
  }
  assert.deepEqual(await namesOf(list, { offset: 17 }), [['n-917', 'n-618', 'n-319'], 20]);
  assert.deepEqual(await namesOf(list, { sorts: by('created_at', true), offset: 1 }), [
    ['n-618', 'n-917', 'n-216'],
    20,
  ]);
  const odd = Array.from({ length: 10 }, (_, n) => nameOf(2 * n + 1)).sort();
  assert.deepEqual(await namesOf(list, { sorts: by('name'), filters: where('tags', 'T1') }), [
    odd.slice(0, 3),
    10,
  ]);
  assert.equal((await list.page(options({ offset: 20 }), undefined)).items.length, 0);
});

test('a page shows texts as they are when it is made', async (t) => {
  const { scripts, list } = open(t);
  for (const n of [1, 2, 3]) await scripts.add(libraryScript(`${n}`, `n${n}`, n));
  const page = await list.page(options({}), undefined);
  assert.deepEqual(
    page.items.map(({ text }) => text),
    ['echo n1', 'echo n2', 'echo n3'],
  );
  const without = await list.page(options({}), ['name']);
  assert.deepEqual(new Set(without.items.map(({ text }) => text)), new Set(['']));
});
