import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jobFleet } from '../../support/job-fleet.js';

const statuses = (rows: readonly { readonly status: string }[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const { status } of rows) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
};

test('a thousand agents of which a hundred never answer: every job gets its right end', async (t) => {
  const fleet = await jobFleet(t);
  const ids = Array.from({ length: 1000 }, (_, index) => `agent-${index}`);
  for (const id of ids) {
    const kind = Number(id.slice(6)) % 10;
    const agent = await fleet.agent(id, {
      answer: (order) => {
        // One of ten never answers, one never reports, one fails.
        if (kind === 0) return new Promise(() => undefined);
        if (kind !== 1) queueMicrotask(() => agent.report(order, kind === 2 ? { status: 'failed' } : {}));
        return { ok: true, payload: Buffer.from('{"Pid":1,"StartedAt":"2024-03-01T10:00:00Z"}') };
      },
    });
  }
  const { id } = await fleet.start(ids);
  await fleet.until(() => statuses(fleet.children(id)).successful === 700);
  assert.deepEqual(statuses(fleet.children(id)), { successful: 700, failed: 100, running: 100 });
  // Fake sessions know no time-out of their own; the question to the actor ends after 80 s, the jobs after 90 s.
  fleet.clock.advance(80_000);
  await fleet.until(() => statuses(fleet.children(id)).failed === 200);
  await fleet.over(id);
  await fleet.passing(() => statuses(fleet.children(id)).unknown === 100);
  assert.deepEqual(statuses(fleet.children(id)), { successful: 700, failed: 200, unknown: 100 });
  const unanswered = fleet.children(id).find(({ clientId }) => clientId === 'agent-0');
  assert.equal(unanswered?.error, 'failed to send request: the client did not answer in time');
});

test('a row waits for a client that reports after it has connected again', async (t) => {
  const fleet = await jobFleet(t);
  const first = await fleet.agent('a');
  const second = await fleet.agent('b');
  const { id } = await fleet.start(['a', 'b'], { concurrent: false });
  await fleet.until(() => fleet.children(id)[0]?.status === 'running');
  first.session.drop('network');
  await fleet.ended(1);
  const again = await fleet.agent('a');
  const [order] = first.orders;
  assert.ok(order);
  assert.equal(second.orders.length, 0);
  again.report(order);
  await fleet.until(() => second.orders.length === 1);
  const [next] = second.orders;
  assert.ok(next);
  second.report(next);
  await fleet.over(id);
  assert.deepEqual(statuses(fleet.children(id)), { successful: 2 });
});

test('a row goes on when a result never comes; the job may still report', async (t) => {
  const fleet = await jobFleet(t);
  const first = await fleet.agent('a');
  const second = await fleet.agent('b');
  const { id } = await fleet.start(['a', 'b'], { concurrent: false });
  await fleet.until(() => fleet.children(id)[0]?.status === 'running');
  const began = fleet.clock.now();
  await fleet.passing(() => second.orders.length === 1);
  assert.ok(fleet.clock.now() - began >= 90_000);
  const lost = fleet.children(id).find(({ clientId }) => clientId === 'a');
  assert.equal(lost?.status, 'unknown');
  const [order] = first.orders;
  assert.ok(order);
  first.report(order);
  await fleet.until(() => fleet.children(id).some(({ status }) => status === 'successful'));
  // It has released nobody a second time.
  assert.equal(second.orders.length, 1);
});

test('a client that is deleted in the middle of a row does not stop it for ever', async (t) => {
  const fleet = await jobFleet(t);
  const first = await fleet.agent('a');
  const second = await fleet.agent('b');
  const { id } = await fleet.start(['a', 'b'], { concurrent: false });
  await fleet.until(() => fleet.children(id)[0]?.status === 'running');
  first.session.drop('gone');
  await fleet.ended(1);
  const [row] = fleet.children(id);
  assert.ok(row);
  await fleet.store.jobs.removeClient(row.clientId);
  await fleet.passing(() => second.orders.length === 1);
});

test('ends are recorded for the audit log, long output by its size', async (t) => {
  const fleet = await jobFleet(t);
  const agent = await fleet.agent('a');
  const { id } = await fleet.start(['a']);
  await fleet.until(() => agent.orders.length === 1);
  const [order] = agent.orders;
  assert.ok(order);
  agent.report(order, { result: { stdout: 'x'.repeat(5000), stderr: 'short', summary: '' } });
  await fleet.until(() => fleet.audited.length === 1);
  const [entry] = fleet.audited;
  assert.ok(entry);
  assert.equal(entry.application, 'client.command');
  assert.equal(entry.action, 'execute.done');
  assert.equal(entry.affectedId, id);
  assert.equal(entry.clientId, 'a');
  assert.equal(entry.username, undefined);
  const { result } = entry.response as { result: Record<string, string> };
  assert.deepEqual(result, { stdout: '(5002 bytes, see the job)', stderr: 'short', summary: '' });
});
