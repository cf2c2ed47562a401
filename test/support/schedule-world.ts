/** A running server with users whose groups may use schedules in different ways, and clients that run jobs. */

import assert from 'node:assert/strict';
import type { ApiAnswer } from './api-client.js';
import { eventually } from './eventually.js';
import type { JobAgent, Order } from './job-agent.js';
import { TestServer, type TestServerOptions } from './server.js';
import { PASSWORD, storePeople } from './store-people.js';

export { PASSWORD };

export interface Shown {
  readonly id: string;
  readonly name: string;
  readonly created_at: string;
  readonly created_by: string;
  readonly next_run: string | null;
  readonly last_execution: {
    readonly started_at: string;
    readonly client_count: number;
    readonly success_count: number;
    readonly status: string | null;
    readonly summary: string | null;
  } | null;
  readonly [key: string]: unknown;
}

/** Never due within a test. */
export const NEVER_SOON = '0 0 29 2 *';

/** Users: `root`; `ada` and `bob` (Ops); `carl` (Careful); `dora` (no permission). */
export function startWorld(options: TestServerOptions = {}): Promise<TestServer> {
  return TestServer.start({
    ...options,
    api: { auth: null, user_login_wait: 0, max_failed_login: 0, ...options.api },
    async prepare(dataDir, folder) {
      await storePeople(
        dataDir,
        { root: ['Administrators'], ada: ['Ops'], bob: ['Ops'], carl: ['Careful'], dora: ['Nothing'] },
        {
          Ops: { permissions: ['scheduler', 'commands'] },
          Careful: {
            permissions: ['scheduler'],
            commandsRestricted: { allow: ['^/usr/bin/'], deny: ['rm'], is_sudo: false },
          },
          Nothing: { permissions: [] },
        },
      );
      await options.prepare?.(dataDir, folder);
    },
  });
}

/** Lets members of Ops and Careful use these clients. */
export async function shareClients(server: TestServer, ...ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    const body = { allowed_user_groups: ['Ops', 'Careful'] };
    assert.equal((await as(server).post(`/clients/${id}/acl`, { body })).status, 204);
  }
}

export const as = (server: TestServer, username = 'root') => server.api(username, PASSWORD);

/** A command for client-1 that is never due within a test. */
export const command = (change: object = {}): object => ({
  name: 'nightly',
  schedule: NEVER_SOON,
  type: 'command',
  command: '/usr/bin/id',
  client_ids: ['client-1'],
  ...change,
});

export function created(answer: ApiAnswer): Shown {
  assert.equal(answer.status, 201, answer.text);
  return (answer.json as { data: Shown }).data;
}

/** What an agent was told to run for a schedule: its commands name it. */
export const ordersOf = (agent: JobAgent, text: string): readonly Order[] =>
  agent.orders.filter(({ command }) => command === text);

export const order = (agent: JobAgent, text: string, index = 0): Promise<Order> =>
  eventually(`run ${index} of ${text} on ${agent.id}`, () => ordersOf(agent, text)[index]);
