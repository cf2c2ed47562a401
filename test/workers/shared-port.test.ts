import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertPortFree, listenShared } from '../../src/workers/shared-port.js';
import { serve } from '../support/shard-program.js';

test('a port chosen by the system can be shared, and a third party is told that it is taken', async () => {
  const first = await listenShared(0, (port) => serve(port, 'first'));
  const second = await listenShared(first.port, (port) => serve(port, 'second'));
  assert.equal(second.port, first.port);
  await assert.rejects(assertPortFree('127.0.0.1', first.port), { code: 'EADDRINUSE' });
  first.close();
  second.close();
  await assertPortFree('127.0.0.1', first.port);
});

test('when the number is taken meanwhile another one is tried, but not for ever', async () => {
  const asked: number[] = [];
  let next = 1000;
  const unlucky = async (port: number) => {
    asked.push(port);
    if (port !== 0) throw new Error('taken');
    return { port: ++next, close: () => undefined };
  };
  await assert.rejects(listenShared(0, unlucky), /taken/);
  assert.deepEqual(asked, [0, 1001, 0, 1002, 0, 1003, 0, 1004, 0, 1005]);
});
