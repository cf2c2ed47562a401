/** Vectors of spec 06 §12, cases 15, 16 and 19. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { atOnce } from '../../src/clients/in-turns.js';
import { bucketWidth, type Column, intoBuckets } from '../../src/monitoring/buckets.js';
import { combinedGraph, graphNames, graphOf, needsMissingCard } from '../../src/monitoring/graphs.js';
import { networkCards } from '../../src/monitoring/network-cards.js';
import type { MeasuredNumbers } from '../../src/store/measurements.js';
import { minuteRows, ROWS_START } from '../support/measurements.js';

const HOUR = 3_600_000;
const rows = minuteRows(2880);
const cpu: Column = (row) => row.cpuUsagePercent;

const within = (hours: number): MeasuredNumbers[] =>
  rows.filter(({ timestamp }) => timestamp < ROWS_START + hours * HOUR);
const bucketsOf = (hours: number) =>
  atOnce(intoBuckets(within(hours), bucketWidth({ from: ROWS_START, to: ROWS_START + hours * HOUR }), [cpu]));

test('48 hours of minutes are 126 buckets, aligned to the epoch', () => {
  const buckets = bucketsOf(48);
  assert.equal(buckets.length, 126);
  assert.deepEqual([buckets[0]?.key, buckets[0]?.rows], [1171303, 2]);
  assert.deepEqual([buckets.at(-1)?.key, buckets.at(-1)?.rows], [1171428, 2]);
  for (const { rows: number } of buckets.slice(1, -1)) assert.ok(number === 23 || number === 24);
  for (const { columns } of buckets) {
    assert.equal(columns[0]?.min, 10);
    assert.equal(columns[0]?.max, 20);
  }
  assert.equal(buckets[0]?.timestamp, ROWS_START);
  assert.equal(buckets[1]?.timestamp, ROWS_START + 2 * 60_000, 'of its first row');
});

for (const [hours, width, number, first, last] of [
  [24, 696, 125, 7, 6],
  [2, 58, 120, 1, 1],
] as const) {
  test(`${hours} hours are ${number} buckets of ${width} s`, () => {
    assert.equal(bucketWidth({ from: 0, to: hours * HOUR }), width);
    const buckets = bucketsOf(hours);
    assert.equal(buckets.length, number);
    assert.deepEqual([buckets[0]?.rows, buckets.at(-1)?.rows], [first, last]);
  });
}

test('2.5 hours are 125 buckets of 72.5 s', () => {
  assert.equal(bucketWidth({ from: 0, to: 2.5 * HOUR }), 72.5);
  assert.equal(bucketsOf(2.5).length, 125);
});

test('averages have two decimals, minimum and maximum are as measured, empty buckets are left out', () => {
  const values = [1 / 3, 2 / 3, 0.01];
  const few = values.map((cpuUsagePercent, at) => ({ ...rows[0]!, cpuUsagePercent, timestamp: at * 1000 }));
  const late = { ...rows[0]!, timestamp: 10 * HOUR };
  const buckets = atOnce(intoBuckets([...few, late], 58, [cpu, () => null]));
  assert.deepEqual(buckets[0]?.columns, [{ avg: 0.34, min: 0.01, max: 2 / 3 }, null]);
  assert.equal(buckets.length, 2);
  assert.deepEqual(atOnce(intoBuckets([], 58, [cpu])), []);
});

test('others have their turn while many rows are read', () => {
  const work = intoBuckets(minuteRows(20_000), 1392, [cpu]);
  let pieces = 0;
  while (!work.next().done) pieces += 1;
  assert.ok(pieces >= 4);
});

const cards = networkCards(
  JSON.stringify({ monitoring: { lan_card: { name: 'eth0', max_speed: 10 }, wan_card: null } }),
);
const itemsOf = (name: string, measured: Partial<MeasuredNumbers>) => {
  const graph = graphOf(name, cards);
  assert.ok(graph);
  return atOnce(intoBuckets([{ ...rows[0]!, ...measured }], 58, graph.columns)).map((one) => graph.item(one));
};

test('graphs of network cards: shares of the speed, zeros kept, nothing where nothing was measured', () => {
  const timestamp = '2021-09-01T00:00:00Z';
  assert.deepEqual(itemsOf('net_usage_percent_lan', { netLan: { in: 500_000, out: 0 } }), [
    {
      timestamp,
      net_usage_percent_lan: { in_avg: 40, in_min: 40, in_max: 40, out_avg: 0, out_min: 0, out_max: 0 },
    },
  ]);
  assert.deepEqual(itemsOf('net_usage_bps_lan', { netLan: { in: 500_000, out: 0 } }), [
    {
      timestamp,
      net_usage_bps_lan: {
        in_avg: 500_000,
        in_min: 500_000,
        in_max: 500_000,
        out_avg: 0,
        out_min: 0,
        out_max: 0,
      },
    },
  ]);
  assert.deepEqual(itemsOf('net_usage_bps_lan', { netLan: null }), [{ timestamp, net_usage_bps_lan: {} }]);
});

test('usage graphs leave out what is exactly 0', () => {
  const idle = { ...rows[0]!, cpuUsagePercent: 0, ioUsagePercent: 0, memoryUsagePercent: 61.25 };
  const [bucket] = atOnce(intoBuckets([idle], 58, combinedGraph.columns));
  assert.deepEqual(combinedGraph.item(bucket!), {
    timestamp: '2021-09-01T00:00:00Z',
    cpu_usage_percent: {},
    memory_usage_percent: { avg: 61.25, min: 61.25, max: 61.25 },
    io_usage_percent: {},
  });
});

test('every graph is drawn from its own numbers over 48 hours', () => {
  const both = { lan: { maxSpeed: 10 }, wan: { maxSpeed: 10 } };
  assert.equal(graphNames(both).length, 7);
  for (const name of graphNames(both)) {
    const graph = graphOf(name, both);
    assert.ok(graph, name);
    assert.equal(atOnce(intoBuckets(rows, 1392, graph.columns)).length, 126);
  }
});

test('cards come from a configuration that may hold anything', () => {
  assert.deepEqual(cards, { lan: { maxSpeed: 10 } });
  for (const text of [
    '',
    'null',
    '[]',
    '{"monitoring":1}',
    '{"monitoring":{"lan_card":{"max_speed":"x"}}}',
  ]) {
    assert.deepEqual(networkCards(text), {});
  }
  assert.deepEqual(networkCards('{"monitoring":{"lan_card":{"max_speed":0}}}'), {});
  assert.deepEqual(networkCards(null), {});
  assert.deepEqual(graphNames(cards).slice(3), ['net_usage_percent_lan', 'net_usage_bps_lan']);
  assert.equal(graphOf('net_usage_bps_wan', cards), undefined);
  assert.equal(graphOf('constructor', cards), undefined);
  assert.equal(needsMissingCard('anything_wan', cards), true);
  assert.equal(needsMissingCard('net_usage_bps_lan', cards), false);
});
