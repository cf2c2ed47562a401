/**
 * Loaded by `node --import` into every thread of a server under test: obeys messages of the test, so that the
 * server itself needs no hooks. `{type: 'crash', place}` throws in a timer of that shard, as a bug would;
 * `{type: 'collect'}` forces garbage collections in every thread and reports when they are done; `{type: 'hurry', delay}`
 * has those timers of main go off that were set for this many milliseconds, a minute or more.
 */

import { BroadcastChannel, isMainThread, workerData } from 'node:worker_threads';

interface Command {
  readonly type: 'crash' | 'collect' | 'hurry';
  readonly place?: number;
  readonly delay?: number;
}

/** Other threads get this long to collect after the broadcast. */
const COLLECT_MS = 400;
const LONG_MS = 60_000;

/** Long timers of this thread: what they would run, by handle. */
const long = new Map<NodeJS.Timeout, { readonly delay: number; readonly run: () => void }>();

function keepLongTimers(): void {
  const { setTimeout: set, clearTimeout: clear } = globalThis;
  const keeping = (callback: (...words: unknown[]) => void, delay = 0, ...words: unknown[]) => {
    if (delay < LONG_MS) return set(callback, delay, ...words);
    const run = (): void => {
      clear(handle);
      long.delete(handle);
      callback(...words);
    };
    const handle = set(run, delay);
    long.set(handle, { delay, run });
    return handle;
  };
  globalThis.setTimeout = Object.assign(keeping, { __promisify__: set.__promisify__ }) as typeof set;
  globalThis.clearTimeout = (handle) => {
    if (typeof handle === 'object' && handle !== null) long.delete(handle);
    clear(handle);
  };
}

const channel = new BroadcastChannel('server-probe');
const collect = (): void => (globalThis as { gc?: () => void }).gc?.();
const place: unknown = (workerData as { place?: unknown } | null)?.place;

if (isMainThread) {
  keepLongTimers();
  process.on('message', (command: Command) => {
    if (command.type === 'hurry') {
      for (const { delay, run } of [...long.values()]) if (delay === command.delay) run();
      return;
    }
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
