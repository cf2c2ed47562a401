/** A second thread with a guard of its own: run as a worker it does what a test tells its actor `guard-peer`. */

import { isMainThread, MessageChannel, type MessagePort, Worker, workerData } from 'node:worker_threads';
import { createGuard } from '../../src/actors/guard/create-guard.js';
import { PortBus } from '../../src/actors/runtime/port-bus.js';
import { createActorSystem } from '../../src/actors/runtime/system.js';
import type { ActorRef } from '../../src/actors/runtime/types.js';
import type { Listener } from '../../src/auth/guard.js';
import type { Config } from '../../src/config/types.js';
import { systemClock } from '../../src/time.js';
import { behaviorOf, RecordedLog } from './actor-system.js';
import { MemoryLogger } from './memory-logger.js';

/** A thread that hangs does so for this long: far more than the others need for anything. */
const HANG_MS = 300;

export interface GuardCommand {
  readonly do: 'failed' | 'succeeded' | 'isBanned' | 'mustWait' | 'hang' | 'exit';
  readonly listener: Listener;
  readonly identity: string;
  readonly ip: string;
}

export const guardPeerRef = (thread: number): ActorRef => ({ kind: 'guard-peer', id: String(thread) });

interface PeerData {
  readonly guardPeer: number;
  readonly port: MessagePort;
  readonly config: Config;
}

/** Starts a thread connected with `bus` of thread 0. Its actor is there once its guard is ready. */
export async function startGuardPeer(thread: number, bus: PortBus, config: Config): Promise<Worker> {
  const { port1, port2 } = new MessageChannel();
  const data: PeerData = { guardPeer: thread, port: port2, config };
  const worker = new Worker(new URL(import.meta.url), { workerData: data, transferList: [port2] });
  await bus.connect(thread, port1);
  return worker;
}

async function obey({ guardPeer: thread, port, config }: PeerData): Promise<void> {
  const log = new RecordedLog();
  const bus = new PortBus(log);
  const system = createActorSystem({ thread, clock: systemClock, log, bus });
  const alive = setInterval(() => undefined, 1_000_000);
  await bus.connect(0, port);
  const guard = createGuard({ system, config, clock: systemClock, log: new MemoryLogger() });
  await guard.ready;
  const obedient = behaviorOf<GuardCommand>(
    (_, command, sender) => {
      const { listener, identity, ip } = command;
      switch (command.do) {
        case 'failed':
          return void guard.failed(listener, identity, ip).then(() => sender.reply());
        case 'succeeded':
          return void Promise.resolve(guard.succeeded(listener, identity, ip)).then(() => sender.reply());
        case 'hang':
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, HANG_MS);
          return sender.reply();
        case 'isBanned':
          return sender.reply(guard.isBanned(listener, ip));
        case 'mustWait':
          return sender.reply(guard.mustWait(listener, identity, ip));
        case 'exit':
          clearInterval(alive);
          process.exit(0);
      }
    },
    { kind: 'guard-peer' },
  );
  system.spawn(obedient, String(thread), undefined, { epoch: 1 });
}

if (!isMainThread && 'guardPeer' in (workerData as object)) void obey(workerData as PeerData);
