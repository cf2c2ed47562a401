/**
 * API reads with a connected fleet: the lists of the performance page, one client, tags and status, asked by
 * several callers at once. Measures requests per second, latency and server CPU per request.
 */

import { Fleet } from '../fleet/fleet.js';
import { bearer, untilConnected } from '../load/api.js';
import { runHttpLoad } from '../load/http-load.js';
import { cpuSeconds } from '../report/process-usage.js';
import { AGENT_AUTH, type ServerUnderTest } from '../servers/server-under-test.js';
import type { Figure, Scenario } from './scenario.js';

const CALLERS = 16;

interface Read {
  readonly name: string;
  readonly path: string;
  readonly atLeast: number;
  /** Requests to send, chosen so that each server needs a few seconds. */
  readonly requests: Readonly<Record<ServerUnderTest['name'], number>>;
}

const LIST = { tideway: 20_000, reference: 150 };
const QUICK = { tideway: 60_000, reference: 10_000 };

const reads: readonly Read[] = [
  { name: 'clients, 50 of all', path: '/clients', atLeast: 100, requests: LIST },
  {
    name: 'clients, 500 rows of 7 fields',
    path: '/clients?page[limit]=500&fields[clients]=id,name,hostname,os,version,tags,connection_state',
    atLeast: 100,
    requests: { tideway: 5_000, reference: 150 },
  },
  {
    name: 'clients, tag filter and sort',
    path: '/clients?filter[tags]=even&sort=-name',
    atLeast: 100,
    requests: LIST,
  },
  { name: 'one client', path: '/clients/agent-7', atLeast: 4, requests: QUICK },
  { name: 'client tags', path: '/client-tags', atLeast: 4, requests: { tideway: 30_000, reference: 5_000 } },
  { name: 'status', path: '/status', atLeast: 4, requests: QUICK },
];

export function apiReads(count: number): Scenario {
  return {
    name: `API reads, ${count} agents`,
    about: `${CALLERS} callers read lists, one client, tags and status with ${count} agents connected`,
    repeatable: false,
    async run(start) {
      const server = await start({ handshakes: 64 });
      const fleet = new Fleet({ agentPort: server.agentPort, auth: AGENT_AUTH });
      const figures: Figure[] = [];
      let faults = 0;
      try {
        const ramp = await fleet.connect(count, 32);
        faults += ramp.failed;
        await untilConnected(server, count);
        const authorization = await bearer(server);
        for (const read of reads) {
          const load = {
            port: server.apiPort,
            path: `/api/v1${read.path}`,
            authorization,
            callers: CALLERS,
          };
          const requests = read.requests[server.name];
          await runHttpLoad({ ...load, requests: Math.ceil(requests / 10) });
          const cpuBefore = cpuSeconds(server.pid);
          const result = await runHttpLoad({ ...load, requests });
          const cpuMs = ((cpuSeconds(server.pid) - cpuBefore) / requests) * 1e3;
          faults += result.failed;
          figures.push(
            {
              name: read.name,
              value: result.requestsPerSecond,
              unit: 'req/s',
              ratioTarget: { atLeast: read.atLeast },
            },
            { name: `${read.name}, p50`, value: result.p50Ms, unit: 'ms' },
            { name: `${read.name}, p99`, value: result.p99Ms, unit: 'ms' },
            { name: `${read.name}, CPU`, value: cpuMs, unit: 'ms' },
          );
        }
        faults += count - (await fleet.alive());
        return { figures, faults };
      } finally {
        await fleet.close();
        await server.stop();
      }
    },
  };
}
