/** WebSockets that open late leave no warning of the engine in the log of whoever runs the server. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { basic } from '../support/api-client.js';
import { JobReader } from '../support/job-reader.js';
import { TestServer } from '../support/server.js';
import { PASSWORD, storePeople } from '../support/store-people.js';

const AGENTS = 12;
const WARNING = /^Warning: .*$/m;

test('a WebSocket of the API after a login that takes its time, with no other one in the thread', async (t) => {
  const server = await TestServer.start({
    server: { shards: 1 },
    api: { auth: null, user_login_wait: 0, max_failed_login: 0 },
    prepare: (dataDir) => storePeople(dataDir, { root: ['Administrators'] }, {}),
  });
  t.after(() => server.remove());
  const authorization = basic('root', PASSWORD);
  for (let round = 0; round < 3; round += 1) {
    const reader = await JobReader.open(server.apiPort, 'commands', authorization);
    reader.socket.terminate();
  }
  await server.stop();
  assert.doesNotMatch(server.output, WARNING);
});

test('agents that wait for a free handshake, also when those before them have gone', async (t) => {
  const server = await TestServer.start({ server: { shards: 1, max_concurrent_ssh_handshakes: 1 } });
  t.after(() => server.remove());
  const joined = await Promise.all(Array.from({ length: AGENTS }, (_, index) => server.agent(`a${index}`)));
  for (const agent of joined) agent.destroy();
  await Promise.all(Array.from({ length: AGENTS }, (_, index) => server.agent(`b${index}`)));
  await server.stop();
  assert.doesNotMatch(server.output, WARNING);
});
