/**
 * One command on a whole fleet at once: the time from the request until every result can be read, and the CPU of the
 * server for it. Agents answer at once.
 */

import { Fleet } from '../fleet/fleet.js';
import { bearer, untilConnected } from '../load/api.js';
import { cpuSeconds } from '../report/process-usage.js';
import { AGENT_AUTH, type ServerUnderTest } from '../servers/server-under-test.js';
import type { Figure, Scenario } from './scenario.js';

/** Commands measured, after one that warms up. */
const COMMANDS = 5;
const POLL_MS = 10;
const PATIENCE_MS = 60_000;

export function commands(count: number): Scenario {
  return {
    name: `one command, ${count} agents`,
    about: `one command on ${count} agents at the same time, until all results are readable`,
    repeatable: false,
    async run(start) {
      const server = await start({ handshakes: 64 });
      const fleet = new Fleet({ agentPort: server.agentPort, auth: AGENT_AUTH });
      let faults = 0;
      try {
        faults += (await fleet.connect(count, 32)).failed;
        await untilConnected(server, count);
        const authorization = await bearer(server);
        await runCommand(server, authorization, count);
        const seconds: number[] = [];
        const cpuBefore = cpuSeconds(server.pid);
        for (let run = 0; run < COMMANDS; run++) {
          const took = await runCommand(server, authorization, count);
          if (took === null) faults += 1;
          else seconds.push(took);
        }
        const cpu = (cpuSeconds(server.pid) - cpuBefore) / COMMANDS;
        const sorted = seconds.sort((one, other) => one - other);
        const figures: Figure[] = [
          {
            name: 'all results readable',
            value: sorted[Math.floor(sorted.length / 2)] ?? Number.NaN,
            unit: 's',
            ratioTarget: { atMost: 1 },
          },
          { name: 'slowest', value: sorted.at(-1) ?? Number.NaN, unit: 's' },
          { name: 'CPU', value: cpu, unit: 's' },
        ];
        faults += count - (await fleet.alive());
        return { figures, faults };
      } finally {
        await fleet.close();
        await server.stop();
      }
    },
  };
}

/** Seconds; `null` when results are missing. */
async function runCommand(
  { apiPort }: ServerUnderTest,
  authorization: string,
  count: number,
): Promise<number | null> {
  const base = `http://127.0.0.1:${apiPort}/api/v1/commands`;
  const headers = { authorization };
  const began = performance.now();
  const answer = await fetch(base, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify({
      command: '/usr/bin/id',
      tags: { tags: ['linux'] },
      execute_concurrently: true,
    }),
  });
  const { data } = (await answer.json()) as { data: { jid: string } };
  const query = 'filter[status]=successful&page[limit]=1&fields[jobs]=jid';
  while (performance.now() - began < PATIENCE_MS) {
    const list = await fetch(`${base}/${data.jid}/jobs?${query}`, { headers });
    const { meta } = (await list.json()) as { meta: { count: number } };
    if (meta.count === count) return (performance.now() - began) / 1000;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return null;
}
