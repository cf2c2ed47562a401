/** Reads and changes the users of a store from another process or thread, as a test tells it. */

import { parentPort, workerData } from 'node:worker_threads';
import { ownUserWrites } from '../../src/auth/users/own-user-writes.js';
import { ownUsers } from '../../src/auth/users/own-users.js';
import type { User } from '../../src/auth/users/provider.js';
import { openStore } from '../../src/store/open.js';
import { MemoryLogger } from './memory-logger.js';

export type PeerRequest =
  | { readonly find: string }
  | { readonly add: User }
  | { readonly remove: string }
  | 'close';

const path: string = workerData?.path ?? process.argv[2];
const store = openStore(path, { log: new MemoryLogger() });
const users = ownUsers(store);
const writes = ownUserWrites(store);

async function answer(request: Exclude<PeerRequest, 'close'>): Promise<unknown> {
  if ('find' in request) return (await users.find(request.find)) ?? null;
  if ('add' in request) await writes.add(request.add);
  else await writes.remove(request.remove);
  return null;
}

const reply = (value: unknown): void => {
  if (parentPort !== null) parentPort.postMessage(value);
  else process.send?.(value);
};

function onRequest(request: PeerRequest): void {
  if (request !== 'close') {
    answer(request).then(reply, (error: Error) => reply({ error: error.message }));
    return;
  }
  void store.close().then(() => {
    parentPort?.close();
    process.disconnect?.();
  });
}

parentPort?.on('message', onRequest);
process.on('message', onRequest);
reply('ready');
