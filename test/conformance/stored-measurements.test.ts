/**
 * What becomes of measurements, seen through the API of a server that is not in UTC. Spec 06 §12, cases 2, 5, 6 and 7.
 * Two shards.
 */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { SimulatedAgent } from '../../bench/fleet/simulated-agent.js';
import { openStore } from '../../src/store/open.js';
import { openTables } from '../../src/store/tables.js';
import type { ApiClient } from '../support/api-client.js';
import { clientRecord } from '../support/client-record.js';
import { eventually } from '../support/eventually.js';
import { measurement } from '../support/measurements.js';
import { MemoryLogger } from '../support/memory-logger.js';
import { TestServer } from '../support/server.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** How often the server looks for what is too old. Spec 06 §2.3. */
const LOOKS_EVERY = 2 * MINUTE;
const CARD = { name: 'eth0', max_speed: 10 };
/** More than one batch of the store. */
const MANY = 2_500;

/** Ages of what is stored at the start. */
const AGES = [8 * DAY, 3 * DAY, 13 * HOUR, 90 * MINUTE, 61 * MINUTE, 50 * MINUTE, MINUTE];

let server: TestServer;
let api: ApiClient;
let begun: number;

before(async () => {
  begun = Date.now();
  server = await TestServer.start({
    env: { TZ: 'America/New_York' },
    probe: true,
    monitoring: { data_storage_duration: '30d' },
    async prepare(dataDir) {
      const store = openStore(dataDir, { log: new MemoryLogger() });
      await store.clients.put(clientRecord('old', { disconnectedAt: '2026-01-01T00:00:00.000Z' }));
      for (const age of AGES) store.measurements.append(measurement('old', begun - age));
      await store.close();
    },
  });
  api = server.api();
});
after(() => server?.remove());

const connect = async (id: string): Promise<SimulatedAgent> => {
  const agent = await server.agent(id, {
    ClientConfiguration: { client: {}, monitoring: { lan_card: CARD, wan_card: CARD } },
  });
  await server.untilKnown(id);
  return agent;
};
const send = (agent: SimulatedAgent, payload: object = {}): void =>
  agent.notify('save_measurement', JSON.stringify(payload));
/** Resolves when the server has taken them all: it answers an agent in order. No agent may have many more on their way. */
async function sendMany(agent: SimulatedAgent): Promise<void> {
  for (let number = 1; number <= MANY; number += 1) {
    send(agent);
    if (number % 250 === 0) assert.equal((await agent.request('ping', '')).ok, true);
  }
}
const count = async (id: string): Promise<number> => (await api.get(`/clients/${id}/metrics`)).count ?? -1;
const untilStored = (id: string, wanted: number): Promise<true> =>
  eventually(`${wanted} measurements of ${id}`, async () => (await count(id)) === wanted);
const times = async (id: string, query = ''): Promise<number[]> => {
  const answer = await api.get(`/clients/${id}/metrics?sort=timestamp&page[limit]=120${query}`);
  return answer.data<{ timestamp: string }[]>().map(({ timestamp }) => Date.parse(timestamp));
};
/** RFC 3339 as somebody at this offset writes it. */
const written = (at: number, hours: number): string => {
  const sign = hours < 0 ? '-' : '%2B';
  const offset = `${sign}${String(Math.abs(hours)).padStart(2, '0')}:00`;
  return new Date(at + hours * HOUR).toISOString().replace(/\.\d+Z$/, offset);
};

test('the server is in another zone, which shows in schedules and nowhere else', async () => {
  const body = { name: 'noon', schedule: '0 12 * * *', type: 'command', command: 'id', client_ids: ['old'] };
  const made = await api.post('/schedules', { body });
  const { id, next_run, created_at } = (made.json as { data: Record<string, string> }).data;
  assert.match(next_run ?? '', /T1[67]:00:00(?:\.0+)?Z$/, 'noon of New York');
  assert.match(created_at ?? '', /Z$/);
  assert.ok(Math.abs(Date.parse(created_at ?? '') - Date.now()) < MINUTE);
  const second = new Date(begun - (begun % 1000)).toISOString();
  const audited = await api.get(`/auditlog?filter[timestamp][since]=${second}`);
  assert.equal(audited.data<{ affected_id: string }[]>().at(-1)?.affected_id, id);
  assert.deepEqual((await api.get(`/auditlog?filter[timestamp][until]=${second}`)).json, {
    data: [],
    meta: { count: 0 },
  });
});

test('instants of measurements are what they were, whatever the zone of the server and of the filter', async () => {
  assert.deepEqual(
    await times('old'),
    AGES.map((age) => begun - age),
  );
  for (const [index, age] of AGES.entries()) {
    const from = Math.floor((begun - age) / 1000);
    const expected = AGES.slice(index).map((one) => begun - one);
    for (const bound of [
      `[gt]=${from}`,
      ...[0, 2, -5].map((hours) => `[since]=${written(from * 1000, hours)}`),
    ]) {
      assert.deepEqual(await times('old', `&filter[timestamp]${bound}`), expected, bound);
      const until = bound.replace('gt', 'lt').replace('since', 'until');
      assert.equal((await times('old', `&filter[timestamp]${until}`)).length, index, until);
    }
  }
});

test('a client that has gone says when, in UTC', async () => {
  const agent = await connect('leaving');
  agent.destroy();
  const at = await eventually('it to be gone', async () => {
    const shown = (await api.get('/clients/leaving')).data<{ disconnected_at: string | null }>();
    return shown.disconnected_at ?? false;
  });
  assert.match(at, /Z$/);
  assert.ok(Math.abs(Date.parse(at) - Date.now()) < MINUTE);
});

test('no network is nothing, an empty one is zeros', async () => {
  const agent = await connect('nets');
  const query = `filter[timestamp][gt]=${Math.floor(Date.now() / 1000) - 3600}&filter[timestamp][lt]=${
    Math.floor(Date.now() / 1000) + 3600
  }`;
  const graph = async (name: string): Promise<unknown> => {
    const answer = await api.get(`/clients/nets/graph-metrics/${name}?${query}`);
    return answer.data<Record<string, unknown>[]>()[0]?.[name];
  };
  send(agent, { net_lan: null, net_wan: null });
  await untilStored('nets', 1);
  assert.deepEqual([await graph('net_usage_bps_lan'), await graph('net_usage_bps_wan')], [{}, {}]);
  send(agent, { net_lan: {}, net_wan: null });
  await untilStored('nets', 2);
  const zeros = { in_avg: 0, in_min: 0, in_max: 0, out_avg: 0, out_min: 0, out_max: 0 };
  assert.deepEqual([await graph('net_usage_bps_lan'), await graph('net_usage_percent_lan')], [zeros, zeros]);
  assert.deepEqual(await graph('net_usage_bps_wan'), {});
});

test('a store that cannot write holds no agent up, and stores each measurement once', async () => {
  const agent = await connect('pusher');
  const tables = openTables(server.dataDir);
  // Only one may write to the store at a time, of all processes.
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  let holding = (): void => undefined;
  const isHeld = new Promise<void>((resolve) => {
    holding = resolve;
  });
  const blocked = tables.root.transaction(async () => {
    holding();
    await held;
  });
  try {
    await isHeld;
    const asked = performance.now();
    await sendMany(agent);
    const took = performance.now() - asked;
    assert.ok(took < 5_000, `taken after ${took} ms`);
    assert.equal(await count('pusher'), 0, 'nothing could be written yet');
  } finally {
    release();
    await blocked;
    await tables.root.close();
  }
  await untilStored('pusher', MANY);
});

test('what was taken before an orderly stop is stored, after it nothing is taken', async () => {
  const agent = await connect('stopped');
  await sendMany(agent);
  const { code } = await server.stop();
  assert.equal(code, 0);
  await eventually('the agent to be told', () => agent.closed);
  send(agent);
  await server.startAgain();
  assert.equal(await count('stopped'), MANY);
});

const keep = (keys: Readonly<Record<string, string | number>>): Promise<string> =>
  server.reload({ sections: { monitoring: keys } });

for (const [value, reason] of [
  ['', "'data_storage_duration' must not be empty value"],
  ['d', "'data_storage_duration' must include value and units, use suffix d (=days) or h (=hours)"],
  ['10', "'data_storage_duration' must include units of either d (=days) or h (=hours)"],
  ['10m', "'data_storage_duration' must include units of either d (=days) or h (=hours)"],
  ['x d', "'data_storage_duration' must be simple value: "],
  ['0h', 'monitoring results must be stored for at least 1 hour'],
] as const) {
  test(`measurements cannot be kept for ${JSON.stringify(value)}`, async () => {
    const line = await keep({ data_storage_duration: value });
    assert.match(line, /was not reloaded/);
    assert.ok(line.includes(reason), line);
  });
}

test('measurements are kept as long as is set, and not a zone longer or shorter', async () => {
  for (const [keys, kept] of [
    [{ data_storage_duration: '30d' }, 30 * DAY],
    [{ data_storage_duration: '7d' }, 7 * DAY],
    // The deprecated key wins.
    [{ data_storage_duration: '7d', data_storage_days: 2 }, 2 * DAY],
    [{ data_storage_duration: '12h' }, 12 * HOUR],
    [{ data_storage_duration: '1H' }, HOUR],
  ] as const) {
    const seen = server.output.length;
    assert.doesNotMatch(await keep(keys), /was not/);
    const left = AGES.filter((age) => age <= kept).map((age) => begun - age);
    const before = await times('old');
    server.command({ type: 'hurry', delay: LOOKS_EVERY });
    if (left.length < before.length) {
      const removed = before.length - left.length;
      await server.untilLogged(new RegExp(`removed ${removed} old measurements`), seen);
    }
    assert.deepEqual(await times('old'), left, JSON.stringify(keys));
  }
  assert.equal(await count('stopped'), MANY, 'what is young stays');
});
