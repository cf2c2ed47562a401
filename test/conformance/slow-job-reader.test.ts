/** A client of `/ws/commands` that does not read, while a job prints more than there is room for. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { OUTPUT_WINDOW } from '../../src/actors/job/output-window.js';
import { basic } from '../support/api-client.js';
import { eventually } from '../support/eventually.js';
import { JobAgent } from '../support/job-agent.js';
import { JobReader } from '../support/job-reader.js';
import { ADMIN, TestServer } from '../support/server.js';

const MIB = 1024 * 1024;
const TOTAL = 100 * MIB;
/** What lies between the two: the window, 256 KiB of the server, and what the kernel takes. */
const ON_THE_WAY = 16 * MIB;

let server: TestServer;
let agent: JobAgent;
const open: JobReader[] = [];

before(async () => {
  server = await TestServer.start({ probe: true });
  agent = await new JobAgent('client-1').connect(server);
});
after(async () => {
  for (const { socket } of open) socket.terminate();
  await server?.remove();
});

async function run(body: object): Promise<JobReader> {
  const reader = await JobReader.open(server.apiPort, 'commands', basic(ADMIN.username, ADMIN.password));
  open.push(reader);
  return reader.ask({ command: 'yes', client_ids: ['client-1'], execute_concurrently: true, ...body });
}

test('it holds up its own output and nothing else; what it reads later is complete', async () => {
  const deaf = await run({});
  const order = await agent.order();
  const stdout = await agent.agent.openChannel('stdout', Buffer.from(JSON.stringify(order)));
  assert.equal(stdout.window, OUTPUT_WINDOW);
  const before = await server.residentMiB();
  deaf.socket.pause();
  for (let count = 0; count < TOTAL / MIB; count++) stdout.stream(Buffer.alloc(MIB, 97 + (count % 26)));
  let sent = -1;
  await eventually('the stream to stand still', () => {
    const still = stdout.sent === sent && sent > 0;
    sent = stdout.sent;
    return still;
  });
  assert.ok(stdout.sent < ON_THE_WAY, `${stdout.sent} bytes`);

  // On the same connection: a request, another job with output, and the end of the one that is held up.
  assert.equal((await agent.agent.request('ping', '')).ok, true);
  const other = await run({});
  const second = await agent.order(1);
  const channel = await agent.agent.openChannel('stdout', Buffer.from(JSON.stringify(second)));
  channel.stream(Buffer.alloc(4 * MIB, 'x'));
  await eventually('the output of the other job', () => other.output('client-1').length === 4 * MIB);
  agent.report(second);
  assert.equal((await other.untilClosed()).code, 1000);
  agent.report(order, { result: { stdout: 'ended', stderr: '', summary: '' } });
  await eventually('the result to be stored', async () => {
    const job = await server.api().get(`/clients/client-1/commands/${order.jid}`);
    return job.data<{ status: string }>().status === 'successful';
  });
  assert.ok(stdout.sent < ON_THE_WAY, `${stdout.sent} bytes`);
  const grown = (await server.residentMiB()) - before;
  assert.ok(grown < 64, `${grown} MiB more`);

  deaf.socket.resume();
  assert.equal((await deaf.untilClosed()).code, 1000);
  const output = deaf.output('client-1');
  assert.ok(stdout.sent <= TOTAL);
  assert.equal(deaf.ends[0]?.result.stdout, 'ended');
  assert.ok(output.startsWith('a'.repeat(MIB)) && output.length >= sent, `${output.length} characters`);
});

test('when it goes away, its output is dropped', async () => {
  const deaf = await run({});
  const order = await agent.order(2);
  const stdout = await agent.agent.openChannel('stdout', Buffer.from(JSON.stringify(order)));
  deaf.socket.pause();
  stdout.stream(Buffer.alloc(TOTAL / 2, 'x'));
  await eventually('the stream to begin', () => stdout.sent > 0);
  deaf.socket.terminate();
  await eventually('all of it to be taken', () => stdout.sent === TOTAL / 2, 60_000);
  agent.report(order);
});
