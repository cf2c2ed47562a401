/**
 * Connect ramp: agents connect 32 at a time until the fleet is complete; then the idle fleet is weighed.
 * Measures accepted connections per second (whole ramp, first and last fifth), server CPU per connect, memory
 * per idle agent after 5 s of rest, and CPU of the idle fleet over 20 s.
 */

import { setTimeout as rest } from 'node:timers/promises';
import { Fleet } from '../fleet/fleet.js';
import { connectedClients } from '../load/api.js';
import { cpuSeconds, residentBytes } from '../report/process-usage.js';
import { AGENT_AUTH } from '../servers/server-under-test.js';
import type { Scenario } from './scenario.js';

const CONCURRENCY = 32;
const IDLE_SECONDS = 20;

export function connectRamp(count: number): Scenario {
  return {
    name: `connect ramp, ${count} agents`,
    about: `${count} agents connect, ${CONCURRENCY} at a time, then stay idle`,
    repeatable: false,
    async run(start) {
      const server = await start({ handshakes: 64 });
      const fleet = new Fleet({ agentPort: server.agentPort, auth: AGENT_AUTH });
      try {
        const emptyBytes = residentBytes(server.pid);
        const cpuBefore = cpuSeconds(server.pid);
        const ramp = await fleet.connect(count, CONCURRENCY);
        const cpuAfter = cpuSeconds(server.pid);
        await rest(5_000);
        const fullBytes = residentBytes(server.pid);
        const idleBefore = cpuSeconds(server.pid);
        await rest(IDLE_SECONDS * 1_000);
        const idleCpu = (cpuSeconds(server.pid) - idleBefore) / IDLE_SECONDS;
        const listed = await connectedClients(server);
        const alive = await fleet.alive();
        return {
          figures: [
            { name: 'connects', value: count / ramp.seconds, unit: '/s', ratioTarget: { atLeast: 40 } },
            { name: 'first fifth', value: rate(ramp.acceptedAt, 0, 0.2), unit: '/s' },
            { name: 'last fifth', value: rate(ramp.acceptedAt, 0.8, 1), unit: '/s' },
            { name: 'CPU per connect', value: ((cpuAfter - cpuBefore) / count) * 1e3, unit: 'ms' },
            {
              name: 'memory per idle agent',
              value: (fullBytes - emptyBytes) / count / 1024,
              unit: 'KiB',
              ratioTarget: { atMost: 0.4 },
            },
            { name: 'memory in all', value: fullBytes / 2 ** 20, unit: 'MiB' },
            { name: 'idle CPU', value: idleCpu * 100, unit: '% of a core' },
          ],
          faults: ramp.failed + Math.abs(count - listed) + (count - alive),
        };
      } finally {
        await fleet.close();
        await server.stop();
      }
    },
  };
}

function rate(acceptedAt: readonly number[], from: number, to: number): number {
  const first = Math.floor(acceptedAt.length * from);
  const last = Math.max(first, Math.ceil(acceptedAt.length * to) - 1);
  const seconds = (acceptedAt[last] ?? 0) - (first === 0 ? 0 : (acceptedAt[first - 1] ?? 0));
  return (last - first + 1) / seconds;
}
