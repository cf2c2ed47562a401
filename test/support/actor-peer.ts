/** A second thread with an actor system: run as a worker it obeys the actor `peer/<thread>`. */

import { isMainThread, MessageChannel, type MessagePort, Worker, workerData } from 'node:worker_threads';
import { PortBus } from '../../src/actors/runtime/port-bus.js';
import { createActorSystem } from '../../src/actors/runtime/system.js';
import type { ActorRef, Sender } from '../../src/actors/runtime/types.js';
import { systemClock } from '../../src/time.js';
import { behaviorOf, RecordedLog } from './actor-system.js';

export type PeerCommand =
  | { readonly do: 'echo'; readonly value: unknown }
  | { readonly do: 'never answer' }
  | { readonly do: 'answer with a function' }
  | { readonly do: 'note'; readonly value: unknown }
  | { readonly do: 'notes' }
  | { readonly do: 'publish'; readonly topic: string; readonly values: readonly unknown[] }
  | { readonly do: 'count'; readonly topic: string; readonly into: Int32Array }
  | { readonly do: 'spawn'; readonly id: string; readonly epoch: number }
  | { readonly do: 'locate'; readonly ref: ActorRef }
  | { readonly do: 'stop'; readonly ref: ActorRef }
  | { readonly do: 'exit' };

export const peerRef = (thread: number): ActorRef => ({ kind: 'peer', id: String(thread) });

interface PeerData {
  readonly thread: number;
  readonly links: readonly { readonly thread: number; readonly port: MessagePort }[];
}

/** Starts a thread connected with the given buses; resolves when they know of each other. */
export async function startPeer(
  thread: number,
  buses: readonly { readonly thread: number; readonly bus: PortBus }[],
): Promise<Worker> {
  const channels = buses.map(({ thread: other, bus }) => ({ other, bus, channel: new MessageChannel() }));
  const data: PeerData = {
    thread,
    links: channels.map(({ other, channel }) => ({ thread: other, port: channel.port2 })),
  };
  const worker = new Worker(new URL(import.meta.url), {
    workerData: data,
    transferList: channels.map(({ channel }) => channel.port2),
  });
  await Promise.all(channels.map(({ bus, channel }) => bus.connect(thread, channel.port1)));
  return worker;
}

async function obey({ thread, links }: PeerData): Promise<void> {
  const log = new RecordedLog();
  const bus = new PortBus(log);
  const system = createActorSystem({ thread, clock: systemClock, log, bus });
  // Nothing else keeps this thread alive.
  const alive = setInterval(() => undefined, 1_000_000);
  const notes: unknown[] = [];
  const kept: Sender[] = [];
  const named = behaviorOf<string>((_, __, sender) => sender.reply(thread), { kind: 'named' });
  const obedient = behaviorOf<PeerCommand>(
    (_, command, sender) => {
      switch (command.do) {
        case 'echo':
          return sender.reply(command.value);
        case 'never answer':
          return void kept.push(sender);
        case 'answer with a function':
          return sender.reply(() => undefined);
        case 'note':
          return void notes.push(command.value);
        case 'notes':
          return sender.reply(notes);
        case 'publish':
          for (const value of command.values) system.publish(command.topic, value);
          return sender.reply();
        case 'count':
          system.subscribe(command.topic, () => Atomics.add(command.into, 0, 1));
          return sender.reply();
        case 'spawn':
          return sender.reply(system.spawn(named, command.id, undefined, { epoch: command.epoch }));
        case 'locate':
          return sender.reply(system.locate(command.ref) ?? null);
        case 'stop':
          return void system.stop(command.ref).then(() => sender.reply());
        case 'exit':
          clearInterval(alive);
          process.exit(0);
      }
    },
    { kind: 'peer', mailboxLimit: 100_000 },
  );
  system.spawn(obedient, String(thread), undefined, { epoch: 1 });
  await Promise.all(links.map((link) => bus.connect(link.thread, link.port)));
}

if (!isMainThread && 'links' in (workerData as object)) void obey(workerData as PeerData);
