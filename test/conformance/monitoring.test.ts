/**
 * Monitoring data through the API. Spec 06 §12, cases 1, 3, 4, 8 to 14 and 17 to 19; `stored-measurements.test.ts` has
 * the others.
 */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openStore } from '../../src/store/open.js';
import type { ApiClient } from '../support/api-client.js';
import { clientRecord } from '../support/client-record.js';
import { eventually } from '../support/eventually.js';
import { measurement, minuteRows, ROWS_START } from '../support/measurements.js';
import { MemoryLogger } from '../support/memory-logger.js';
import { TestServer } from '../support/server.js';

const MINUTE = 60_000;
const SECONDS = ROWS_START / 1000;
const cards = (monitoring: object) => ({ client: {}, monitoring });
const LAN = { name: 'eth0', max_speed: 10 };
/** Of realistic size. */
const PROCESSES = JSON.stringify(
  Array.from({ length: 40 }, (_, pid) => ({ pid, parent_pid: 1, name: 'sshd', cmdline: 'sshd: <x> & y' })),
);

let server: TestServer;
let admin: ApiClient;

before(async () => {
  server = await TestServer.start({
    // Another zone than UTC must not change anything: case 11.
    env: { TZ: 'America/New_York' },
    monitoring: { data_storage_duration: '3650d' },
    async prepare(dataDir) {
      const store = openStore(dataDir, { log: new MemoryLogger() });
      await store.clients.put(clientRecord('gone', { disconnectedAt: '2026-01-01T00:00:00.000Z' }));
      for (const [at, value] of [10, 15, 20].entries()) {
        store.measurements.append(
          measurement('gone', ROWS_START + at * MINUTE, {
            cpuUsagePercent: value,
            memoryUsagePercent: 2 * value,
            ioUsagePercent: at,
            processes: at === 0 ? '' : JSON.stringify([{ pid: at, cmdline: '<&>' }]),
            mountpoints: at === 1 ? '{"free_b./":' : JSON.stringify({ 'free_b./': at }),
          }),
        );
      }
      for (const id of ['plain', 'lan', 'both']) {
        for (const row of minuteRows(2880, id, { processes: PROCESSES })) store.measurements.append(row);
      }
      await store.close();
    },
  });
  admin = server.api();
  await server.agent('plain', { ClientConfiguration: null });
  await server.agent('lan', { ClientConfiguration: cards({ lan_card: LAN, wan_card: null }) });
  await server.agent('both', { ClientConfiguration: cards({ lan_card: LAN, wan_card: LAN }) });
  for (const id of ['plain', 'lan', 'both']) await server.untilKnown(id);
});
after(() => server?.remove());

interface Shown {
  readonly timestamp: string;
  readonly [key: string]: unknown;
}

const rowsOf = async (path: string): Promise<string[]> =>
  (await admin.get(`/clients/gone/${path}`)).data<Shown[]>().map(({ timestamp }) => timestamp);
const T = ['2021-09-01T00:00:00Z', '2021-09-01T00:01:00Z', '2021-09-01T00:02:00Z'] as const;

test('metrics: the newest one, and how many there are', async () => {
  assert.deepEqual((await admin.get('/clients/gone/metrics')).json, {
    data: [{ timestamp: T[2], cpu_usage_percent: 20, memory_usage_percent: 40, io_usage_percent: 2 }],
    meta: { count: 3 },
  });
  assert.deepEqual(await rowsOf('metrics?sort=timestamp'), [T[0]]);
  assert.deepEqual(await rowsOf('metrics?page[limit]=2'), [T[2], T[1]]);
  assert.deepEqual(await rowsOf('metrics?page[offset]=1'), [T[1]]);
  assert.deepEqual(await rowsOf('metrics?page[offset]=3&page[limit]=120'), []);
  assert.equal((await admin.get('/clients/gone/metrics?page[offset]=9')).count, 3);
  assert.deepEqual((await admin.get('/clients/gone/metrics?filter[timestamp][gt]=9999999999')).json, {
    data: [],
    meta: { count: 0 },
  });
});

test('processes and mount points are embedded JSON; nothing, and nonsense, is null', async () => {
  const newest = await admin.get('/clients/gone/processes');
  assert.deepEqual(newest.json, {
    data: [{ timestamp: T[2], processes: [{ pid: 2, cmdline: '<&>' }] }],
    meta: { count: 3 },
  });
  assert.ok(newest.text.includes('\\u003c\\u0026\\u003e'), 'escaped as everywhere');
  const oldest = await admin.get('/clients/gone/processes?page[offset]=2');
  assert.deepEqual(oldest.data<Shown[]>(), [{ timestamp: T[0], processes: null }]);
  assert.deepEqual((await admin.get('/clients/gone/mountpoints?page[limit]=2')).data<Shown[]>(), [
    { timestamp: T[2], mountpoints: { 'free_b./': 2 } },
    { timestamp: T[1], mountpoints: null },
  ]);
});

test('fields that are not selected stay, with empty values', async () => {
  const metrics = '/clients/gone/metrics?fields[metrics]=';
  assert.deepEqual((await admin.get(`${metrics}cpu_usage_percent`)).data<Shown[]>(), [
    {
      timestamp: '0001-01-01T00:00:00Z',
      cpu_usage_percent: 20,
      memory_usage_percent: 0,
      io_usage_percent: 0,
    },
  ]);
  assert.deepEqual((await admin.get('/clients/gone/processes?fields[processes]=timestamp')).data<Shown[]>(), [
    { timestamp: T[2], processes: null },
  ]);
  assert.deepEqual((await admin.get(`${metrics}timestamp,cpu_usage_percent,unknown_field`)).titles, [
    'unsupported field "unknown_field" for resource "metrics"',
  ]);
  assert.equal(
    (await admin.get('/clients/gone/metrics?fields[processes]=timestamp')).refusal,
    '400 unsupported resource in fields: "processes"',
  );
});

for (const [query, expected] of [
  [`filter[timestamp][gt]=${SECONDS}&filter[timestamp][lt]=${SECONDS + 60}`, [T[0]]],
  [`filter[timestamp][gt]=${SECONDS + 1}`, [T[2], T[1]]],
  ['filter[timestamp][until]=2021-09-01T00:01:00Z', [T[0]]],
  ['filter[timestamp][since]=2021-09-01T02:01:00%2B02:00', [T[2], T[1]]],
  ['filter[timestamp][since]=2021-08-31T19:01:00.999-05:00', [T[2], T[1]]],
  [
    'filter[timestamp][since]=2021-09-01T00:00:00%2B00:00&filter[timestamp][until]=2021-09-01T00:02:00%2B00:00',
    [T[1], T[0]],
  ],
  [`filter[timestamp][gt]=${SECONDS + 60}&filter[timestamp][until]=2021-09-01T00:01:00Z`, []],
] as const) {
  test(`metrics with ${query}`, async () => {
    assert.deepEqual(await rowsOf(`metrics?page[limit]=100&${query}`), expected);
    assert.equal((await admin.get(`/clients/gone/metrics?${query}`)).count, expected.length);
  });
}

for (const [query, titles] of [
  ['metrics?page[limit]=121', ['pagination limit too big (121) maximum is 120']],
  ['mountpoints?page[limit]=101', ['pagination limit too big (101) maximum is 100']],
  ['processes?page[limit]=11', ['pagination limit too big (11) maximum is 10']],
  ['metrics?page[limit]=0', ['pagination limit must be positive']],
  ['metrics?page[limit]=-1', ['pagination limit must be positive']],
  ['metrics?page[limit]=x', ['pagination limit must be a number']],
  ['metrics?page[offset]=-1', ['pagination offset must not be negative']],
  ['metrics?page[offset]=x', ['pagination offset must be a number']],
  [
    'metrics?page[limit]=200&sort=cpu',
    ["unsupported sort field 'cpu'", 'pagination limit too big (200) maximum is 120'],
  ],
  ['metrics?filter[timestamp]=1', ["unsupported filter field 'filter[timestamp]'"]],
  ['metrics?filter[timestamp][eq]=1', ["unsupported filter field 'filter[timestamp][eq]'"]],
  ['metrics?filter[cpu]=1', ["unsupported filter field 'filter[cpu]'"]],
  ['metrics?filter[*]=1', ["unsupported filter field 'filter[*]'"]],
  ['metrics?filter[timestamp][gt]=abc', ['Illegal timestamp value abc']],
  ['metrics?filter[timestamp][gt]=', ['Illegal timestamp value ']],
  ['metrics?filter[timestamp][gt]=1,2', ['Illegal timestamp value 1,2']],
  ['metrics?filter[timestamp][since]=2021-09-01', ['Illegal time value']],
] as const) {
  test(`${query} is refused`, async () => {
    const answer = await admin.get(`/clients/gone/${query}`);
    assert.deepEqual([answer.status, answer.titles], [400, titles]);
  });
}

const graph = (id: string, name: string, query: string) =>
  admin.get(`/clients/${id}/graph-metrics${name === '' ? '' : `/${name}`}?${query}`);
const TWO_DAYS =
  'filter[timestamp][since]=2021-09-01T00:00:00Z&filter[timestamp][until]=2021-09-03T00:00:00Z';

test('48 hours as graphs: 126 points, newest first, by either kind of filter', async () => {
  const answer = await graph('lan', '', TWO_DAYS);
  const data = answer.data<Shown[]>();
  assert.equal(data.length, 126);
  assert.deepEqual(data.at(-1)?.cpu_usage_percent, { avg: 15, min: 10, max: 20 });
  assert.equal(data.at(-1)?.timestamp, '2021-09-01T00:00:00Z');
  assert.deepEqual(Object.keys(answer.json as object), ['data', 'links']);
  const seconds = `filter[timestamp][gt]=${SECONDS}&filter[timestamp][lt]=${SECONDS + 172_800}&sort=timestamp`;
  assert.deepEqual((await graph('lan', '', `${seconds}&page[limit]=1`)).data<Shown[]>(), data.reverse());
  for (const name of ['cpu_usage_percent', 'mem_usage_percent', 'io_usage_percent', 'net_usage_bps_lan']) {
    const single = await graph('lan', name, TWO_DAYS);
    assert.equal(single.data<Shown[]>().length, 126, name);
    assert.deepEqual(Object.keys(single.json as object), ['data']);
  }
});

for (const [hours, points] of [
  [24, 125],
  [2.5, 125],
  [2, 120],
] as const) {
  test(`${hours} hours are ${points} points`, async () => {
    const query = `filter[timestamp][gt]=${SECONDS}&filter[timestamp][lt]=${SECONDS + hours * 3600}`;
    assert.equal((await graph('plain', '', query)).data<Shown[]>().length, points);
  });
}

test('graphs of network cards', async () => {
  const day = `filter[timestamp][gt]=${SECONDS}&filter[timestamp][lt]=${SECONDS + 7200}`;
  const bps = (await graph('lan', 'net_usage_bps_lan', `${day}&sort=timestamp`)).data<Shown[]>()[0];
  assert.deepEqual(bps, {
    timestamp: T[0],
    net_usage_bps_lan: {
      in_avg: 10_000,
      in_min: 10_000,
      in_max: 10_000,
      out_avg: 50_000,
      out_min: 50_000,
      out_max: 50_000,
    },
  });
  const percent = (await graph('lan', 'net_usage_percent_lan', `${day}&sort=timestamp`)).data<Shown[]>()[0];
  const shares = (percent?.net_usage_percent_lan ?? {}) as { in_avg?: number };
  assert.equal(shares.in_avg, 0.8);
  const wan = (await graph('both', 'net_usage_bps_wan', day)).data<Shown[]>();
  assert.deepEqual(wan[0]?.net_usage_bps_wan, {}, 'nothing was measured');
  assert.equal(
    (await graph('lan', 'net_usage_bps_wan', '')).refusal,
    '404 graph data net_usage_bps_wan not available for client with id lan',
  );
  assert.equal((await graph('lan', 'foo', day)).refusal, '404 unknown graph: foo');
  assert.equal((await graph('lan', 'foo', '')).refusal, '400 Illegal number of filter options');
});

test('links name the graphs the client has, where the caller reaches the server', async () => {
  const usages = ['cpu_usage_percent', 'mem_usage_percent', 'io_usage_percent'];
  const lan = ['net_usage_percent_lan', 'net_usage_bps_lan'];
  const wan = ['net_usage_percent_wan', 'net_usage_bps_wan'];
  for (const [id, names] of [
    ['plain', usages],
    ['lan', [...usages, ...lan]],
    ['both', [...usages, ...lan, ...wan]],
  ] as const) {
    const { links } = (await graph(id, '', TWO_DAYS)).json as { links: Record<string, string> };
    const base = `http://127.0.0.1:${server.apiPort}/api/v1/clients/${id}/graph-metrics`;
    assert.deepEqual(links, Object.fromEntries(names.map((name) => [name, `${base}/${name}`])));
  }
});

for (const [query, title] of [
  [`[gt]=${SECONDS}&[lt]=${SECONDS + 7199}`, 'Illegal period (min,max allowed: 2,48 hours)'],
  [`[gt]=${SECONDS}&[lt]=${SECONDS + 172_801}`, 'Illegal period (min,max allowed: 2,48 hours)'],
  [`[gt]=${SECONDS}&[lt]=${SECONDS - 1}`, 'Illegal time value (upper before lower)'],
  [`[gt]=${SECONDS}`, 'Illegal number of filter options'],
  ['', 'Illegal number of filter options'],
  [`[gt]=1&[lt]=2&[since]=2021-09-01T00:00:00Z`, 'Illegal number of filter options'],
  [
    `[since]=2021-09-01T00:00:00Z&[gt]=${SECONDS}`,
    'Illegal filter pair filter[timestamp][gt] filter[timestamp][since]',
  ],
  ['[gt]=abc&[lt]=1', 'Illegal timestamp value abc'],
  ['[since]=2021-09-01&[until]=2021-09-02T00:00:00Z', 'Illegal time value'],
] as const) {
  test(`graphs with ${query} are refused`, async () => {
    const answer = await graph('lan', '', query.replaceAll('[', 'filter[timestamp]['));
    assert.equal(answer.refusal, `400 ${title}`);
  });
}

test('graphs know no fields and ignore those of their own name', async () => {
  assert.equal((await graph('lan', '', `${TWO_DAYS}&fields[graph-metrics]=x`)).status, 200);
  assert.equal(
    (await graph('lan', '', `${TWO_DAYS}&fields[metrics]=timestamp`)).refusal,
    '400 unsupported resource in fields: "metrics"',
  );
});

test('unknown clients, and graphs of disconnected ones', async () => {
  assert.equal((await admin.get('/clients/nope/metrics')).refusal, '404 Client with id="nope" not found.');
  assert.equal((await graph('nope', '', '')).refusal, '404 Client with id="nope" not found.');
  assert.equal((await graph('gone', '', '')).refusal, '404 client with id gone not found');
  assert.equal((await graph('gone', 'cpu_usage_percent', '')).refusal, '404 client with id gone not found');
});

test('what agents send can be read: own id and time of the server, broken ones dropped', async () => {
  const agent = await server.agent('fresh');
  await server.untilKnown('fresh');
  const send = (payload: object | string): void =>
    agent.notify('save_measurement', typeof payload === 'string' ? payload : JSON.stringify(payload));
  const begun = Date.now();
  send({ client_id: 'gone', timestamp: '2001-01-01T00:00:00Z', cpu_usage_percent: 7.5, processes: '[]' });
  send('{"cpu_usage_percent":');
  send({ net_lan: { in: 1.5, out: 1 } });
  send(JSON.stringify({ processes: 'x'.repeat(524_289) }));
  send({ CPU_Usage_Percent: 8, mountpoints: '{}', net_lan: {}, net_wan: null });
  const answer = await eventually('both to be stored', async () => {
    const page = await admin.get('/clients/fresh/metrics?page[limit]=10');
    return page.count === 2 && page;
  });
  const [newer, older] = answer.data<Shown[]>();
  assert.deepEqual([newer?.cpu_usage_percent, older?.cpu_usage_percent], [8, 7.5]);
  assert.ok(Date.parse(older?.timestamp ?? '') >= begun);
  assert.equal((await admin.get('/clients/gone/metrics')).count, 3);
  assert.deepEqual(
    (await admin.get('/clients/fresh/processes?sort=timestamp')).data<Shown[]>()[0]?.processes,
    [],
  );
  assert.equal(agent.closed, false);
});

test('monitoring switched off: nothing is taken or shown, updates can still be asked for', async (t) => {
  const off = await TestServer.start({ monitoring: { enabled: false } });
  t.after(() => off.remove());
  const seen: string[] = [];
  const agent = await off.agent(
    'c1',
    {},
    {
      onRequest: (name, payload) => {
        seen.push(`${name} ${payload}`);
        return undefined;
      },
    },
  );
  await off.untilKnown('c1');
  agent.notify('save_measurement', '{}');
  await off.untilLogged(/measurement dropped, monitoring is disabled/);
  for (const path of [
    'metrics',
    'processes',
    'mountpoints',
    'graph-metrics',
    'graph-metrics/cpu_usage_percent',
  ]) {
    assert.equal(
      (await off.api().get(`/clients/c1/${path}`)).refusal,
      '404 monitoring disabled. re-enable to view monitoring statistics.',
    );
  }
  assert.ok(seen.some((text) => /^put_capabilities .*"MonitoringVersion":0/.test(text)));
  assert.equal((await off.api().post('/clients/c1/updates-status')).status, 204);
});
