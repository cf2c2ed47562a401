import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { RawConnection } from '../support/raw-connection.js';

async function startShard(
  t: TestContext,
  name: string,
  port: number,
): Promise<{ worker: Worker; port: number }> {
  const worker = new Worker(new URL('../support/http-shard.js', import.meta.url), {
    workerData: { name, port },
  });
  t.after(() => worker.postMessage('stop'));
  const [bound] = (await once(worker, 'message')) as [number];
  return { worker, port: bound };
}

async function ask(port: number): Promise<string> {
  const connection = new RawConnection(port);
  await connection.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  const all = await connection.closed();
  return all.slice(all.indexOf('\r\n\r\n') + 4);
}

test('two threads share one port, and one goes on when the other stops', async (t) => {
  const one = await startShard(t, 'one', 0);
  const two = await startShard(t, 'two', one.port);
  assert.equal(two.port, one.port);
  const seen = new Set<string>();
  // The kernel picks by a hash of the peer's port: 64 connections on one side only would be 2^-63.
  for (let i = 0; i < 64 && seen.size < 2; i += 1) seen.add(await ask(one.port));
  assert.deepEqual([...seen].sort(), ['one', 'two']);

  one.worker.postMessage('stop');
  await once(one.worker, 'exit');
  for (let i = 0; i < 8; i += 1) assert.equal(await ask(one.port), 'two');

  two.worker.postMessage('stop');
  await once(two.worker, 'exit');
  assert.equal(await ask(one.port), '');
});
