/** A small program for shards: an HTTP listener with every shard on one port, and an actor that obeys tests. */

import * as uWS from 'uWebSockets.js';
import type { ActorRef } from '../../src/actors/runtime/types.js';
import type { ShardProgram } from '../../src/workers/program.js';
import { type Listening, listenShared } from '../../src/workers/shared-port.js';
import { behaviorOf } from './actor-system.js';

export interface TestConfig {
  /** Threads whose start fails. */
  readonly failingThreads?: readonly number[];
  /** Threads whose drain never ends. */
  readonly undrainableThreads?: readonly number[];
}

export type TestCommand = 'thread' | 'never answer' | 'throw' | 'reject' | 'log' | 'config';

export const shardRef = (place: number): ActorRef => ({ kind: 'shard', id: String(place) });

let listener: Listening | null = null;
let config: TestConfig = {};
let thread = 0;
let place = 0;
/** Counts the shards that have started. */
let started = new Int32Array(new SharedArrayBuffer(4));
let startedBeforeListening = 0;

/** An HTTP server that gives the same answer to everything. */
export function serve(port: number, answer: string): Promise<Listening> {
  const app = uWS.App().get('/*', (response) => void response.end(answer));
  return new Promise((resolve, reject) => {
    app.listen('127.0.0.1', port, (socket) => {
      if (!socket) return reject(new Error('cannot listen'));
      resolve({ port: uWS.us_socket_local_port(socket), close: () => void app.close() });
    });
  });
}

export const program: ShardProgram = {
  async start(runtime) {
    config = runtime.config as TestConfig;
    thread = runtime.thread;
    if (config.failingThreads?.includes(thread)) throw new Error('told to fail');
    place = runtime.place;
    const obedient = behaviorOf<TestCommand>(
      (_, command, sender) => {
        switch (command) {
          case 'thread':
            return sender.reply(thread);
          case 'config':
            return sender.reply(config);
          case 'log':
            runtime.log.info('hello from a shard');
            return sender.reply();
          case 'throw':
            setTimeout(() => {
              throw new Error('boom in a timer');
            }, 0);
            return;
          case 'reject':
            void Promise.reject(new Error('boom in a promise'));
            return;
          case 'never answer':
            return;
        }
      },
      { kind: 'shard', postStop: () => runtime.log.info(`actor of shard ${runtime.place} stopped`) },
    );
    runtime.system.spawn(obedient, String(runtime.place), undefined, { epoch: thread });
    started = new Int32Array(runtime.shared as SharedArrayBuffer);
    Atomics.add(started, 0, 1);
  },
  async listen(ports) {
    startedBeforeListening = Atomics.load(started, 0);
    listener = await listenShared(ports.http ?? 0, (port) => serve(port, String(place)));
    return { http: listener.port };
  },
  drain: async () => {
    if (config.undrainableThreads?.includes(thread)) await new Promise(() => undefined);
  },
  close: () => {
    listener?.close();
    listener = null;
  },
  stats: () => ({ listening: listener !== null, startedBeforeListening }),
  reload: (next) => {
    config = next as TestConfig;
  },
};
