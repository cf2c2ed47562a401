/** A worker thread that listens and answers with its number. For `test/http/threads.test.ts`. */

import { parentPort, workerData } from 'node:worker_threads';
import { listen } from '../../src/http/server.js';

const { name, port } = workerData as { name: string; port: number };

const listening = await listen({
  host: '127.0.0.1',
  port,
  onRequest: async (_request, response) => {
    await new Promise(setImmediate);
    response.send(200, [['Connection', 'close']], name);
  },
});
parentPort?.postMessage(listening.port);
parentPort?.once('message', () => listening.close());
