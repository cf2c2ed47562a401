/** Agents that lie about jobs, flood, or never answer. The server, its API and an honest agent must not mind. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { eventually } from '../support/eventually.js';
import { JobAgent, type Order, result } from '../support/job-agent.js';
import { TestServer } from '../support/server.js';

let server: TestServer;
let honest: JobAgent;
let hostile: JobAgent;

before(async () => {
  server = await TestServer.start();
  honest = await new JobAgent('honest').connect(server);
  hostile = await new JobAgent('hostile').connect(server);
});
after(() => server?.remove());

const start = async (agent: JobAgent): Promise<Order> => {
  const answer = await server.api().post(`/clients/${agent.id}/commands`, { body: { command: 'id' } });
  const { jid } = answer.data<{ jid: string }>();
  return eventually('the order', () => agent.orders.find((order) => order.jid === jid));
};
const job = async (order: Order) =>
  (await server.api().get(`/clients/${order.client_id}/commands/${order.jid}`)).data<
    Record<string, unknown>
  >();
const ended = (order: Order) =>
  eventually('the end', async () => (await job(order)).status !== 'running' && job(order));
/** Everything works as before. */
const allIsWell = async (): Promise<void> => {
  const order = await start(honest);
  honest.report(order);
  assert.equal((await ended(order)).status, 'successful');
};

test('results for jobs of others, for no job, and garbage are dropped', async () => {
  const order = await start(honest);
  const forged = [
    result(order),
    result({ ...order, client_id: 'hostile' }),
    result({ ...order, jid: 'f47ac10b-58cc-4372-a567-0e02b2c3d479', client_id: 'hostile' }),
    result({ ...order, jid: 'x'.repeat(5000) }),
    result({ ...order, jid: '' }),
    'null',
    '[]',
    '',
    '{"jid":',
    Buffer.from([0xff, 0xfe, 0x00]),
    `{"jid":"${order.jid}","result":${'{"a":'.repeat(50_000)}`,
  ];
  for (const payload of forged) hostile.agent.notify('cmd_result', payload);
  assert.equal((await hostile.agent.request('ping', '')).ok, true);
  assert.equal((await job(order)).status, 'running');
  assert.equal((await server.api().get('/clients/hostile/commands')).count, 0);
  honest.report(order);
  await ended(order);
});

test('a result as large as a packet can be: taken when it is right, dropped when not', async () => {
  const order = await start(hostile);
  const filler = 'x'.repeat(31 * 1024 * 1024);
  hostile.agent.notify('cmd_result', result({ ...order, jid: 'no-such-job' }, { error: filler }));
  hostile.report(order, { result: { stdout: filler, stderr: '', summary: '' } });
  const shown = await ended(order);
  assert.equal((shown.result as { stdout: string }).stdout.length, 4 * 1024 * 1024);
  await allIsWell();
});

test('a flood of results ends the flooding connection at most', async () => {
  const order = await start(hostile);
  const large = result(order, { result: { stdout: '\n'.repeat(200_000), stderr: '', summary: '' } });
  for (let count = 0; count < 200; count++) hostile.agent.notify('cmd_result', large);
  for (let count = 0; count < 5_000; count++) hostile.agent.notify('cmd_result', '{"jid":"x"}');
  await allIsWell();
  // What it had sent before is still being read: until then it may yet be cut off, and is not let in again.
  const isOver = async (): Promise<boolean> => {
    if (hostile.agent.closed) await hostile.connect(server);
    return (await hostile.agent.request('ping', '')).ok;
  };
  await eventually('the flood to be over', isOver, 60_000);
});

test('channels nobody asked for are refused, however many', async () => {
  const opens = Array.from({ length: 500 }, (_, index) =>
    hostile.agent.openChannel(index % 2 === 0 ? 'stdout' : 'stderr', Buffer.from(`{"jid":"${index}"}`)),
  );
  const outcomes = await Promise.allSettled(opens);
  assert.ok(outcomes.every(({ status }) => status === 'rejected'));
  await assert.rejects(hostile.agent.openChannel('stdout', Buffer.alloc(300_000, '[')));
  await allIsWell();
});

test('an agent that never answers holds up nobody', async () => {
  const silent = new JobAgent('silent');
  silent.answer = () => null;
  await silent.connect(server);
  const waiting = server.api().post('/clients/silent/commands', { body: { command: 'id' } });
  await silent.order();
  await allIsWell();
  silent.agent.destroy();
  assert.equal((await waiting).refusal, '500 Failed to execute remote command.');
});
