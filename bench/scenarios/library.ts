/**
 * A large library: 10,000 scripts of 9 KiB are added by several callers, then lists of it are read, sorted, filtered and
 * with the texts; once more while a script changes five times a second, after which each shard reads the rows anew.
 * Measures additions per second, latency and server CPU of reads, and the memory all of it took.
 */

import { setTimeout as rest } from 'node:timers/promises';
import { bearer } from '../load/api.js';
import { runHttpLoad } from '../load/http-load.js';
import { cpuSeconds, residentBytes } from '../report/process-usage.js';
import type { ServerUnderTest } from '../servers/server-under-test.js';
import type { Figure, Scenario } from './scenario.js';

const CALLERS = 16;
/** With its name it is just below the default limit of a body. */
const SCRIPT = 'echo a line of a script\n'.repeat(380);
const CHANGE_EVERY_MS = 200;
const REQUESTS: Readonly<Record<ServerUnderTest['name'], number>> = { tideway: 1_600, reference: 160 };

const reads: Readonly<Record<string, string>> = {
  'by name, 20 with texts': '?sort=name',
  'by name, filter of names, 100 names':
    '?sort=name&filter[name]=*cript%201*&page[limit]=100&fields[scripts]=name',
  'by time, filter of tags, 20 with texts': '?sort=-updated_at&filter[tags]=linux',
};

async function send(
  server: ServerUnderTest,
  authorization: string,
  method: 'POST' | 'PUT',
  path: string,
  number: number,
): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${server.apiPort}/api/v1/library/scripts${path}`, {
    method,
    headers: { authorization },
    body: JSON.stringify({
      name: `script ${number}`,
      script: SCRIPT,
      tags: ['linux', `rack-${number % 40}`],
    }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${number}: ${response.status} ${text}`);
  return (JSON.parse(text) as { data: { id: string } }).data.id;
}

/** Returns the id of the one named `script 0`. */
async function fill(server: ServerUnderTest, authorization: string, count: number): Promise<string> {
  let next = 1;
  const first = await send(server, authorization, 'POST', '', 0);
  const lane = async (): Promise<void> => {
    for (let number = next++; number < count; number = next++) {
      await send(server, authorization, 'POST', '', (number * 7919) % count);
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, lane));
  return first;
}

export function library(count: number): Scenario {
  return {
    name: `library, ${count} scripts`,
    about: `${count} scripts are added; then ${CALLERS} callers read lists of them`,
    repeatable: false,
    async run(start) {
      const server = await start();
      const figures: Figure[] = [];
      let faults = 0;
      try {
        const authorization = await bearer(server);
        const emptyBytes = residentBytes(server.pid);
        const started = performance.now();
        const first = await fill(server, authorization, count);
        figures.push({
          name: 'additions',
          value: count / ((performance.now() - started) / 1e3),
          unit: '/s',
        });
        for (const [name, query] of Object.entries(reads)) {
          const requests = REQUESTS[server.name];
          const path = `/api/v1/library/scripts${query}`;
          const load = { port: server.apiPort, path, authorization, callers: CALLERS, requests };
          await runHttpLoad({ ...load, requests: Math.ceil(requests / 10) });
          const cpuBefore = cpuSeconds(server.pid);
          const quiet = await runHttpLoad(load);
          const cpuMs = ((cpuSeconds(server.pid) - cpuBefore) / requests) * 1e3;
          let ended = false;
          const changing = (async () => {
            while (!ended) {
              await send(server, authorization, 'PUT', `/${first}`, 0);
              await rest(CHANGE_EVERY_MS);
            }
          })();
          const busy = await runHttpLoad(load);
          ended = true;
          await changing;
          faults += quiet.failed + busy.failed;
          figures.push(
            { name, value: quiet.requestsPerSecond, unit: 'req/s' },
            { name: `${name}, CPU`, value: cpuMs, unit: 'ms' },
            { name: `${name}, p99`, value: quiet.p99Ms, unit: 'ms' },
            { name: `${name}, p99 while one changes`, value: busy.p99Ms, unit: 'ms' },
          );
        }
        await rest(5_000);
        figures.push({
          name: 'memory added',
          value: (residentBytes(server.pid) - emptyBytes) / 2 ** 20,
          unit: 'MiB',
        });
        return { figures, faults };
      } finally {
        await server.stop();
      }
    },
  };
}
