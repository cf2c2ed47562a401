/**
 * Measurements: 200 agents offer 10 000 a second in all for a time. Counts through the API that every one is stored,
 * measures server CPU per measurement, and the API's latency meanwhile against that of the idle server. Calls to a second
 * server with nothing else to do show how much of the difference is the wait for a core the load generator is using.
 */

import { Fleet } from '../fleet/fleet.js';
import { bearer, storedMeasurements, untilConnected } from '../load/api.js';
import { steadyCalls } from '../load/steady-calls.js';
import { cpuSeconds } from '../report/process-usage.js';
import { AGENT_AUTH, type ServerUnderTest } from '../servers/server-under-test.js';
import type { Scenario } from './scenario.js';

const AGENTS = 200;
const PER_SECOND = 10_000;
/** A thousand calls: a p99 of fewer changes from run to run by more than what is compared with it. */
const IDLE_SECONDS = 20;
/** The reference writes what it was sent one by one and may need minutes for the rest. */
const STORED_WITHIN_MS = 300_000;

export function measurements(seconds: number): Scenario {
  return {
    name: 'measurements, 200 agents',
    about: `${AGENTS} agents send ${PER_SECOND} measurements a second for ${seconds} s, all of them are stored`,
    async run(start) {
      const server = await start({ handshakes: 64 });
      const bystander = await start({ handshakes: 64 });
      const fleet = new Fleet({ agentPort: server.agentPort, auth: AGENT_AUTH });
      try {
        const ramp = await fleet.connect(AGENTS, 32);
        await untilConnected(server, AGENTS);
        const authorization = await bearer(server);
        const load = { port: server.apiPort, path: '/api/v1/clients/agent-7', authorization };
        const besides = {
          port: bystander.apiPort,
          path: '/api/v1/me',
          authorization: await bearer(bystander),
        };
        await Promise.all([steadyCalls(load, 2), steadyCalls(besides, 2)]);
        const idle = await steadyCalls(load, IDLE_SECONDS);
        const cpuBefore = cpuSeconds(server.pid);
        const begun = performance.now();
        const [sent, busy, beside] = await Promise.all([
          fleet.measure(PER_SECOND, seconds),
          steadyCalls(load, seconds),
          steadyCalls(besides, seconds),
        ]);
        const offered = sent / ((performance.now() - begun) / 1_000);
        const stored = await untilStored(server, authorization, sent);
        const took = (performance.now() - begun) / 1_000;
        // The calls cost some CPU, too; what they cost an idle server is known and small, and is left in.
        const cpu = cpuSeconds(server.pid) - cpuBefore;
        const faults =
          ramp.failed + (AGENTS - (await fleet.alive())) + (sent - stored) + busy.failed + beside.failed;
        return {
          figures: [
            { name: 'offered', value: offered, unit: '/s' },
            { name: 'stored', value: stored / took, unit: '/s' },
            {
              name: 'CPU each',
              value: (cpu / sent) * 1e6,
              unit: 'µs',
              ratioTarget: { atMost: 0.25 },
            },
            { name: 'API p50, idle', value: idle.p50Ms, unit: 'ms' },
            { name: 'API p50, meanwhile', value: busy.p50Ms, unit: 'ms' },
            { name: 'API p99, idle', value: idle.p99Ms, unit: 'ms' },
            { name: 'API p99, meanwhile', value: busy.p99Ms, unit: 'ms' },
            { name: 'second server, p99', value: beside.p99Ms, unit: 'ms' },
            { name: 'lost', value: sent - stored, unit: '' },
          ],
          faults,
        };
      } finally {
        await fleet.close();
        await bystander.stop();
        await server.stop();
      }
    },
  };
}

/** Resolves with how many are stored when that is all, or no more come. */
async function untilStored(server: ServerUnderTest, authorization: string, sent: number): Promise<number> {
  const deadline = Date.now() + STORED_WITHIN_MS;
  for (let before = -1; ; ) {
    let stored = 0;
    for (let agent = 0; agent < AGENTS; agent += 1) {
      stored += await storedMeasurements(server, authorization, `agent-${agent}`);
    }
    if (stored >= sent || (stored === before && Date.now() > deadline)) return stored;
    before = stored;
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
}
