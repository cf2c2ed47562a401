/**
 * Client groups: what connecting costs without any and with 500, and how fast lists are that show or use them. Every
 * agent is in some fifty of the groups. The reads come from several callers at once; once more while a group changes ten
 * times a second, so that nothing kept of the answers lives long. Measures server CPU per connect, latency of reads.
 */

import { setTimeout as rest } from 'node:timers/promises';
import { Fleet } from '../fleet/fleet.js';
import { bearer, putGroup, untilConnected } from '../load/api.js';
import { runHttpLoad } from '../load/http-load.js';
import { cpuSeconds } from '../report/process-usage.js';
import { AGENT_AUTH, type ServerUnderTest } from '../servers/server-under-test.js';
import type { Figure, Scenario } from './scenario.js';

const CALLERS = 16;
const GROUPS = 500;
const CONNECTS_AT_ONCE = 32;
const CHANGE_EVERY_MS = 100;
const REQUESTS: Readonly<Record<ServerUnderTest['name'], number>> = { tideway: 4_000, reference: 48 };

const reads: Readonly<Record<string, string>> = {
  'groups, 50 of all': '/client-groups',
  'groups with numbers of clients':
    '/client-groups?fields[client_groups]=id,num_clients,num_clients_connected',
  'clients of a group': '/clients?filter[groups]=group-7',
  'clients of groups by wildcard': '/clients?filter[groups]=*-10*&sort=-name',
};

/** Conditions of all kinds: a tag, the end of an id, a part of the name with another condition. */
function paramsOf(number: number): object {
  switch (number % 4) {
    case 0:
      return { tag: [`rack-${number % 40}`] };
    case 1:
      return { client_id: [`*${number % 100}`] };
    case 2:
      return { tag: { and: ['linux', number % 8 === 2 ? 'even' : 'odd'] }, name: [`*${number % 10}*`] };
    default:
      return { hostname: [`agent-${number % 10}*`], os_kernel: ['linux', 'windows'] };
  }
}

async function addGroups(server: ServerUnderTest, authorization: string): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let number = next++; number < GROUPS; number = next++) {
      await putGroup(server, authorization, `group-${number}`, paramsOf(number));
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, lane));
}

/** Changes one group until `work` has ended. */
async function whileChanging<Result>(
  server: ServerUnderTest,
  authorization: string,
  work: Promise<Result>,
): Promise<Result> {
  let ended = false;
  const change = async (): Promise<void> => {
    for (let turn = 0; !ended; turn += 1) {
      await putGroup(server, authorization, 'group-499', paramsOf(turn));
      await rest(CHANGE_EVERY_MS);
    }
  };
  const changing = change();
  try {
    return await work;
  } finally {
    ended = true;
    await changing;
  }
}

export function groups(count: number): Scenario {
  return {
    name: `client groups, ${count} agents`,
    about: `${count} agents connect with 0 and with ${GROUPS} groups; then ${CALLERS} callers read lists`,
    repeatable: false,
    async run(start) {
      const figures: Figure[] = [];
      let faults = 0;
      for (const number of [0, GROUPS]) {
        const server = await start({ handshakes: 64 });
        const fleet = new Fleet({ agentPort: server.agentPort, auth: AGENT_AUTH });
        try {
          const authorization = await bearer(server);
          if (number > 0) await addGroups(server, authorization);
          const cpuBefore = cpuSeconds(server.pid);
          const ramp = await fleet.connect(count, CONNECTS_AT_ONCE);
          await untilConnected(server, count);
          const cpuMs = ((cpuSeconds(server.pid) - cpuBefore) / count) * 1e3;
          faults += ramp.failed;
          figures.push(
            { name: `connects, ${number} groups`, value: count / ramp.seconds, unit: '/s' },
            { name: `CPU per connect, ${number} groups`, value: cpuMs, unit: 'ms' },
          );
          if (number > 0) {
            for (const [name, path] of Object.entries(reads)) {
              const load = {
                port: server.apiPort,
                path: `/api/v1${path}`,
                authorization,
                callers: CALLERS,
                requests: REQUESTS[server.name],
              };
              await runHttpLoad({ ...load, requests: Math.ceil(load.requests / 10) });
              const quiet = await runHttpLoad(load);
              const busy = await whileChanging(server, authorization, runHttpLoad(load));
              faults += quiet.failed + busy.failed;
              figures.push(
                { name, value: quiet.requestsPerSecond, unit: 'req/s' },
                { name: `${name}, p99`, value: quiet.p99Ms, unit: 'ms' },
                { name: `${name}, p99 while a group changes`, value: busy.p99Ms, unit: 'ms' },
              );
            }
          }
          faults += count - (await fleet.alive());
        } finally {
          await fleet.close();
          await server.stop();
        }
      }
      return { figures, faults };
    },
  };
}
