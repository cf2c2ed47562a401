/** Pages of the audit log: by whatever way they are found, they are those of a plain search. Spec 03 §12.3. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { auditListSupport, DEEPEST_SORTED, listAudit } from '../../src/audit/list.js';
import { atOnce } from '../../src/clients/in-turns.js';
import { AppError } from '../../src/errors.js';
import { parseQuery } from '../../src/http/query-string.js';
import { readListOptions } from '../../src/query/validate.js';
import { type AuditStore, auditStore } from '../support/audit-store.js';

const START = Date.UTC(2026, 0, 10);
const HOUR = 3_600_000;

/** Places of the found entries, and the number of all. */
function find({ store }: AuditStore, query: string, onlyOf: string | null = null): [number[], number] {
  const options = readListOptions(parseQuery(query), auditListSupport);
  const { items, count } = atOnce(listAudit(store.audit, { ...options, onlyOf }));
  return [items.map(({ seq }) => seq), count];
}

/** 30 entries, one an hour, of three users and two clients. */
async function filled(log: AuditStore): Promise<void> {
  const users = ['anna', 'bob', 'an*'];
  for (let n = 0; n < 30; n++) {
    await log.add(START + n * HOUR, {
      username: users[n % 3] ?? '',
      clientId: n % 2 === 0 ? 'c-1' : 'c-2',
      action: n % 5 === 0 ? 'delete' : 'create',
      affectedId: `id-${n}`,
    });
  }
}

const numbers = (from: number, to: number, step = 1): number[] =>
  Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, n) => from + n * step);

test('pages come oldest first, or latest first, with the number of all', async (t) => {
  const log = auditStore(t);
  assert.deepEqual(find(log, ''), [[], 0]);
  await filled(log);
  assert.deepEqual(find(log, ''), [numbers(1, 10), 30]);
  assert.deepEqual(find(log, 'page[limit]=1&page[offset]=1'), [[2], 30]);
  assert.deepEqual(find(log, 'page[limit]=4&page[offset]=28'), [[29, 30], 30]);
  assert.deepEqual(find(log, 'page[offset]=30'), [[], 30]);
  assert.deepEqual(find(log, 'sort=timestamp&page[offset]=27'), [[28, 29, 30], 30]);
  assert.deepEqual(find(log, 'sort=-timestamp&page[limit]=3&page[offset]=1'), [[29, 28, 27], 30]);
  assert.deepEqual(find(log, 'sort=-timestamp&page[offset]=28'), [[2, 1], 30]);
});

const cases: readonly [query: string, expected: readonly number[]][] = [
  ['filter[timestamp][gt]=2026-01-11', numbers(26, 30)],
  ['filter[timestamp][since]=2026-01-11', numbers(25, 30)],
  ['filter[timestamp][lt]=2026-01-10T03:00:00Z', [1, 2, 3]],
  ['filter[timestamp][until]=2026-01-10T03:00:00Z', [1, 2, 3, 4]],
  ['filter[timestamp][until]=2026-01-10T05:00:00%2B02:00', [1, 2, 3, 4]],
  ['filter[timestamp][gt]=2026-01-10T23:59:59.9995Z', numbers(25, 30)],
  ['filter[timestamp][gt]=1800000000', []],
  ['filter[timestamp][since]=2026-01-10T02:00:00Z&filter[timestamp][lt]=2026-01-10T05:00:00Z', [3, 4, 5]],
  ['filter[timestamp][lt]=2026-01-10T02:00:00Z,2026-01-10T01:00:00Z', [1, 2]],
  ['filter[username]=bob', numbers(2, 29, 3)],
  ['filter[username]=an*', [...numbers(1, 28, 3), ...numbers(3, 30, 3)].sort((a, b) => a - b)],
  ['filter[username]=Bob', []],
  ['filter[username]=bob&filter[client_id]=c-1', numbers(5, 29, 6)],
  [
    'filter[username]=bob&filter[username]=anna',
    [...numbers(1, 28, 3), ...numbers(2, 29, 3)].sort((a, b) => a - b),
  ],
  ['filter[username]=bob&filter[timestamp][gt]=2026-01-11', [26, 29]],
  ['filter[client_id]=c-1', numbers(1, 29, 2)],
  ['filter[client_id]=c-2&filter[action]=delete', [6, 16, 26]],
  ['filter[affected_id]=id-7', [8]],
  ['filter[action|affected_id]=delete,id-1', [1, 2, 6, 11, 16, 21, 26]],
  ['filter[*]=id-7', [8]],
  ['filter[remote_ip]=', []],
];

for (const setBack of [false, true]) {
  test(`filters find what they say, ${setBack ? 'after the clock was set back' : 'with times in order'}`, async (t) => {
    const log = auditStore(t);
    await filled(log);
    // Its time is before all others, its place behind them.
    if (setBack)
      await log.add(START - HOUR, {
        username: 'old',
        clientId: 'none',
        remoteIp: 'x',
        application: 'y',
        affectedId: 'z',
      });
    for (const [query, expected] of cases) {
      const more = setBack && /^filter\[timestamp\]\[(lt|until)\]/.test(query) ? [31] : [];
      const all = [...expected, ...more];
      const page = expected.slice(0, 10);
      if (all.length <= 10) assert.deepEqual(find(log, query), [all, all.length], query);
      else assert.deepEqual(find(log, query), [page, all.length], query);
      const [latest, count] = find(log, `${query}&sort=-timestamp&page[limit]=100`);
      const byTime = [...expected].reverse().concat(more);
      assert.deepEqual([latest, count], [byTime, all.length], `${query}, latest first`);
    }
    if (setBack) assert.deepEqual(find(log, 'sort=timestamp&page[limit]=2')[0], [31, 1]);
  });
}

test('who may see his own entries only finds no others, exactly by name', async (t) => {
  const log = auditStore(t);
  await filled(log);
  assert.deepEqual(find(log, 'page[limit]=100', 'an*'), [numbers(3, 30, 3), 10]);
  assert.deepEqual(find(log, 'page[limit]=2&page[offset]=3', 'bob'), [[11, 14], 10]);
  assert.deepEqual(find(log, 'page[limit]=2&page[offset]=3&sort=-timestamp', 'bob'), [[20, 17], 10]);
  assert.deepEqual(find(log, 'filter[client_id]=c-1', 'bob'), [numbers(5, 29, 6), 5]);
  assert.deepEqual(find(log, 'filter[*]=anna', 'bob'), [[], 0]);
  assert.deepEqual(find(log, 'sort=affected_id&page[limit]=2', 'bob'), [[2, 11], 10]);
  assert.deepEqual(find(log, '', 'BOB'), [[], 0]);
  assert.deepEqual(find(log, '', ''), [[], 0]);
});

test('what is found by looking at every entry is shown whole', async (t) => {
  const log = auditStore(t);
  await log.add(START, { affectedId: 'a', request: '{"x":1}', response: '{"y":2}' });
  const options = readListOptions(parseQuery('filter[affected_id]=a&sort=username'), auditListSupport);
  const [entry] = atOnce(listAudit(log.store.audit, { ...options, onlyOf: null })).items;
  assert.deepEqual([entry?.request, entry?.response], ['{"x":1}', '{"y":2}']);
});

test('another order sorts by column, ties in the order of time, and has an end', async (t) => {
  const log = auditStore(t);
  await filled(log);
  assert.deepEqual(find(log, 'sort=username&page[limit]=3'), [[3, 6, 9], 30]);
  assert.deepEqual(find(log, 'sort=-action&sort=-username&page[limit]=2'), [[11, 26], 30]);
  const deep = `sort=username&page[limit]=10&page[offset]=${DEEPEST_SORTED}`;
  assert.throws(
    () => find(log, deep),
    (error) => error instanceof AppError && error.status === 400,
  );
  assert.deepEqual(find(log, deep.replace('username', '-timestamp')), [[], 30]);
});

test('entries that were moved to a file are not listed, even while they are still there', async (t) => {
  const log = auditStore(t);
  await filled(log);
  const { archive } = log.store.audit.state();
  const link = { seq: 12, hash: '' };
  await log.store.audit.saveArchive({ ...archive, rotated: link });
  assert.deepEqual(find(log, 'page[limit]=2'), [[13, 14], 18]);
  assert.deepEqual(find(log, 'page[limit]=2', 'bob'), [[14, 17], 6]);
  assert.deepEqual(find(log, 'filter[timestamp][lt]=2026-01-10T13:00:00Z'), [[13], 1]);
  assert.deepEqual(find(log, 'filter[client_id]=c-1&sort=-timestamp&page[offset]=8'), [[13], 9]);
  while ((await log.store.audit.removeThrough(12, 5)) > 0);
  assert.deepEqual(find(log, 'page[limit]=2'), [[13, 14], 18]);
  assert.deepEqual(find(log, 'page[limit]=2', 'bob'), [[14, 17], 6]);
});
