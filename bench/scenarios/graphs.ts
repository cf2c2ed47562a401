/**
 * Graphs over 48 hours: 2880 measurements of one client, each with 8 KiB of processes, read by one caller and by
 * eight; and beside the latter, what other requests of the same server wait. The store is filled before the start.
 */

import { clientId } from '../../src/ids.js';
import { createLogger } from '../../src/logging/create-logger.js';
import { openStore } from '../../src/store/open.js';
import { systemClock } from '../../src/time.js';
import { Fleet } from '../fleet/fleet.js';
import { bearer, untilConnected } from '../load/api.js';
import { runHttpLoad } from '../load/http-load.js';
import { cpuSeconds } from '../report/process-usage.js';
import { AGENT_AUTH } from '../servers/server-under-test.js';
import type { Figure, Scenario } from './scenario.js';

const ID = 'agent-0';
const MINUTES = 48 * 60;
const FIRST = Date.parse('2021-09-01T00:00:00Z');
const PROCESSES = JSON.stringify([{ cmdline: 'x'.repeat(8 * 1024) }]);
const QUERY = 'filter[timestamp][since]=2021-09-01T00:00:00Z&filter[timestamp][until]=2021-09-03T00:00:00Z';
const REQUESTS = 400;

export const graphs: Scenario = {
  name: 'graphs over 48 hours',
  about: `graphs of ${MINUTES} measurements with 8 KiB of processes each`,
  onlyOurs: true,
  async run(start) {
    const server = await start({ prepare: fill });
    const fleet = new Fleet({ agentPort: server.agentPort, auth: AGENT_AUTH });
    const figures: Figure[] = [];
    let faults = 0;
    try {
      await fleet.connect(1, 1);
      await untilConnected(server, 1);
      const authorization = await bearer(server);
      const base = `/api/v1/clients/${ID}`;
      const load = { port: server.apiPort, authorization };
      const graph = { ...load, path: `${base}/graph-metrics?${QUERY}` };
      await runHttpLoad({ ...graph, callers: 1, requests: 50 });
      const cpuBefore = cpuSeconds(server.pid);
      const alone = await runHttpLoad({ ...graph, callers: 1, requests: REQUESTS });
      const cpu = cpuSeconds(server.pid) - cpuBefore;
      const ended = new AbortController();
      const [together, others] = await Promise.all([
        runHttpLoad({ ...graph, callers: 8, requests: REQUESTS }).finally(() => ended.abort()),
        runHttpLoad({ ...load, path: base, callers: 1, requests: 1e9, signal: ended.signal }),
      ]);
      faults += alone.failed + together.failed + others.failed;
      figures.push(
        { name: 'one caller, p50', value: alone.p50Ms, unit: 'ms' },
        { name: 'one caller, p99', value: alone.p99Ms, unit: 'ms' },
        { name: 'CPU each', value: (cpu / REQUESTS) * 1_000, unit: 'ms' },
        { name: '8 callers', value: together.requestsPerSecond, unit: 'req/s' },
        { name: 'another request meanwhile, p99', value: others.p99Ms, unit: 'ms' },
      );
      return { figures, faults };
    } finally {
      await fleet.close();
      await server.stop();
    }
  },
};

async function fill(dataDir: string): Promise<void> {
  const log = createLogger({
    level: 'error',
    sink: (text) => process.stderr.write(text),
    clock: systemClock,
  });
  const store = openStore(dataDir, { log });
  for (let minute = 0; minute < MINUTES; minute += 1) {
    store.measurements.append({
      clientId: clientId(ID),
      timestamp: FIRST + minute * 60_000,
      cpuUsagePercent: minute % 100,
      memoryUsagePercent: 50,
      ioUsagePercent: 0,
      processes: PROCESSES,
      mountpoints: '{}',
      netLan: { in: minute, out: minute },
      netWan: null,
    });
  }
  await store.close();
}
