/** Writes to a store from another process or thread, as the durability tests tell it. */

import { parentPort, workerData } from 'node:worker_threads';
import { clientId } from '../../src/ids.js';
import { openStore } from '../../src/store/open.js';
import { clientRecord } from './client-record.js';
import { MemoryLogger } from './memory-logger.js';

/** Child process: saves a record, says so once it is on disk, and waits to be killed. */
async function writeAndWait(path: string): Promise<void> {
  const store = openStore(path, { log: new MemoryLogger() });
  await store.clients.put(clientRecord('survivor'));
  await store.flushed();
  process.send?.('flushed');
  setInterval(() => store.clients.get(clientId('survivor')), 1000);
}

/** Thread: writes rows, then answers `read` with the name of client `main`, until `close`. */
async function writeAndServe({
  path,
  name,
  rows,
}: {
  path: string;
  name: string;
  rows: number;
}): Promise<void> {
  const store = openStore(path, { log: new MemoryLogger() });
  const puts: Promise<void>[] = [];
  for (let n = 0; n < rows; n++) {
    puts.push(store.clients.put(clientRecord(`${name}-${n}`)));
    if (n % 50 === 0) await puts.at(-1);
  }
  await Promise.all(puts);
  parentPort?.postMessage('written');
  parentPort?.on('message', async (message) => {
    if (message === 'read') {
      parentPort?.postMessage(store.clients.get(clientId('main'))?.name);
      return;
    }
    await store.close();
    parentPort?.close();
  });
}

if (workerData?.path !== undefined) await writeAndServe(workerData);
else await writeAndWait(process.argv[2] ?? '');
