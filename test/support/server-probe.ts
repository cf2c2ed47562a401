/**
 * Loaded by `node --import` into every thread of a server under test: obeys messages of the test, so that the
 * server itself needs no hooks. `{type: 'crash', place}` throws in a timer of that shard, as a bug would;
 * `{type: 'collect'}` forces garbage collections in every thread and reports when they are done.
 */

import { BroadcastChannel, isMainThread, workerData } from 'node:worker_threads';

interface Command {
  readonly type: 'crash' | 'collect';
  readonly place?: number;
}

/** Other threads get this long to collect after the broadcast. */
const COLLECT_MS = 400;

const channel = new BroadcastChannel('server-probe');
const collect = (): void => (globalThis as { gc?: () => void }).gc?.();
const place: unknown = (workerData as { place?: unknown } | null)?.place;

if (isMainThread) {
  process.on('message', (command: Command) => {
    channel.postMessage(command);
    if (command.type !== 'collect') return;
    collect();
    setTimeout(() => process.send?.('collected'), COLLECT_MS);
  });
  process.channel?.unref();
} else {
  channel.onmessage = (event): void => {
    const { data } = event as { readonly data: Command };
    if (data.type === 'collect') collect();
    else if (data.place === place) {
      setTimeout(() => {
        throw new Error('a bug of the test');
      }, 0);
    }
  };
}
channel.unref();
