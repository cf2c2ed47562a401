import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { clientId } from '../../src/ids.js';
import { openStore } from '../../src/store/open.js';
import { clientRecord } from '../support/client-record.js';
import { MemoryLogger } from '../support/memory-logger.js';
import { withTempFolder } from '../support/temp-folder.js';

const writer = fileURLToPath(new URL('../support/store-writer.js', import.meta.url));

test('what was awaited and flushed is there after kill -9', async () => {
  await withTempFolder(async (path) => {
    const child = fork(writer, [path], { stdio: 'ignore' });
    const exited = once(child, 'exit');
    assert.deepEqual(await once(child, 'message'), ['flushed', undefined]);
    child.kill('SIGKILL');
    assert.deepEqual(await exited, [null, 'SIGKILL']);
    const store = openStore(path, { log: new MemoryLogger() });
    assert.equal(store.clients.get(clientId('survivor'))?.name, 'Client survivor');
    await store.clients.put(clientRecord('after'));
    assert.deepEqual(
      [...store.clients.all()].map(({ id }) => id),
      ['after', 'survivor'],
    );
    await store.close();
  });
});

test('threads of one process write the same store at once and see each other', async () => {
  await withTempFolder(async (path) => {
    const store = openStore(path, { log: new MemoryLogger() });
    const workers = ['one', 'two'].map(
      (name) => new Worker(writer, { workerData: { path, name, rows: 500 } }),
    );
    const exits = workers.map((worker) => once(worker, 'exit'));
    await Promise.all(workers.map((worker) => once(worker, 'message')));
    assert.equal(store.clients.get(clientId('one-499'))?.id, 'one-499');
    assert.equal([...store.clients.all()].length, 1000);
    await store.clients.put(clientRecord('main'));
    for (const worker of workers) worker.postMessage('read');
    const seen = await Promise.all(workers.map((worker) => once(worker, 'message')));
    assert.deepEqual(seen, [['Client main'], ['Client main']]);
    for (const worker of workers) worker.postMessage('close');
    assert.deepEqual(await Promise.all(exits), [[0], [0]]);
    await store.clients.put(clientRecord('still open here'));
    assert.equal(store.clients.get(clientId('still open here'))?.id, 'still open here');
    await store.close();
  });
});
