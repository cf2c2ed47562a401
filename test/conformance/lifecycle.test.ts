/** Retention and single-use credentials. Spec 01 §18 cases 18, 21, 41. */

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { SimulatedAgent } from '../../bench/fleet/simulated-agent.js';
import { eventually } from '../support/eventually.js';
import { onEveryShard } from '../support/every-shard.js';
import { TestServer } from '../support/server.js';

const CREDENTIALS = {
  'test-client-auth': 'secret',
  'test-client-auth-2': 'secret',
  'lonely-auth': 'secret',
};

function writeCredentials(_dataDir: string, folder: string): void {
  writeFileSync(join(folder, 'clients.json'), JSON.stringify(CREDENTIALS));
}

const agentOf = (server: TestServer, auth: string, id: string): Promise<SimulatedAgent> =>
  server.agent(id, { Name: '' }, { auth: `${auth}:secret` });

async function refusalOf(attempt: Promise<SimulatedAgent>): Promise<string> {
  const agent = await attempt.catch((error: Error) => error.message);
  if (typeof agent === 'string') return agent;
  agent.destroy();
  return 'ok';
}

const TAKEN = 'client is already connected:  [test-client]';

for (const [multiuse, cases] of [
  [
    false,
    [
      ['test-client-auth', 'test-client', TAKEN],
      ['test-client-auth-2', 'test-client', TAKEN],
      ['test-client-auth', 'test-client-2', 'client auth ID is already in use: "test-client-auth"'],
      ['test-client-auth-2', 'test-client-2', 'ok'],
    ],
  ],
  [
    true,
    [
      ['test-client-auth', 'test-client', TAKEN],
      ['test-client-auth-2', 'test-client', TAKEN],
      ['test-client-auth', 'test-client-2', 'ok'],
      ['test-client-auth-2', 'test-client-3', 'ok'],
    ],
  ],
] as const) {
  test(`credentials for ${multiuse ? 'many clients' : 'one client each'}; clients kept for no time`, async (t) => {
    const server = await TestServer.start({
      server: {
        auth: null,
        auth_file: 'clients.json',
        auth_multiuse_creds: multiuse,
        equate_clientauthid_clientid: true,
        purge_disconnected_clients: true,
        keep_disconnected_clients: '0s',
      },
      prepare: writeCredentials,
    });
    t.after(() => server.remove());
    const first = await agentOf(server, 'test-client-auth', 'test-client');
    for (const [auth, id, expected] of cases) {
      assert.equal(await refusalOf(agentOf(server, auth, id)), expected, `${auth} as ${id}`);
    }

    // Without an id of its own: the credential's, where each credential is one client.
    await agentOf(server, 'lonely-auth', '');
    const { id } = await eventually('the client without an id', async () => {
      const list = (await server.api().get('/clients?filter[client_auth_id]=lonely-auth')).data<
        { id: string }[]
      >();
      return list[0];
    });
    if (multiuse) assert.match(id, /^[0-9a-f-]{36}$/);
    else assert.equal(id, 'lonely-auth');

    first.destroy();
    await eventually(
      'the client to be gone',
      async () => (await server.api().get('/clients/test-client')).status === 404,
    );
    const again = server.agentAgain('test-client', { Name: '' }, { auth: 'test-client-auth:secret' });
    assert.equal(await refusalOf(again), 'ok');
  });
}

test('clients kept for some seconds: listed, then hidden and forgotten', async (t) => {
  const server = await TestServer.start({
    server: {
      purge_disconnected_clients: true,
      // Long enough to be seen in between by a process that is held up.
      keep_disconnected_clients: '3s',
      purge_disconnected_clients_interval: '1s',
    },
  });
  t.after(() => server.remove());
  const api = server.api();
  (await server.agent('brief')).destroy();
  await eventually('the client to be listed as disconnected', async () => {
    const answer = await api.get('/clients/brief');
    return (
      answer.status === 200 && answer.data<{ connection_state: string }>().connection_state === 'disconnected'
    );
  });
  await onEveryShard('the client to be hidden', async () => (await api.get('/clients/brief')).status === 404);
  await onEveryShard('it to be counted no more', async () => {
    const status = (await api.get('/status')).data<{ clients_disconnected: number }>();
    return status.clients_disconnected === 0;
  });
  await server.agent('brief');
});
