/** What threads say to each other, and the seam behind which they may one day be machines. */

import type { ActorErrorCode, Lane } from './types.js';

/** Tuples, not objects: a batch of them is cloned at every crossing, and names would be cloned with it. */
export type Frame =
  | readonly [
      type: 'ask',
      id: number,
      kind: string,
      actor: string,
      epoch: number | null,
      timeoutMs: number,
      message: unknown,
    ]
  | readonly [type: 'reply', id: number, value: unknown]
  | readonly [type: 'fail', id: number, code: ActorErrorCode, text: string, data: unknown]
  | readonly [type: 'tell', kind: string, actor: string, lane: Lane, message: unknown]
  | readonly [type: 'publish', topic: string, data: unknown]
  | readonly [type: 'fence', id: number]
  | readonly [type: 'fenced', id: number]
  | readonly [type: 'register', kind: string, actor: string, epoch: number]
  | readonly [type: 'unregister', kind: string, actor: string, epoch: number];

/** The actor system's side of the bus. */
export interface BusReceiver {
  /** First frames for a thread that has just been connected; the other side does the same. */
  greeting(): readonly Frame[];
  received(fromThread: number, frame: Frame): void;
  /** `frame` could not be cloned and was left out. */
  unsendable(toThread: number, frame: Frame, error: Error): void;
  /** No more frames come from or go to that thread. */
  lost(thread: number): void;
}

export interface Bus {
  /** Called once, by the actor system of this thread. */
  attach(receiver: BusReceiver): void;
  /** Queues a frame; frames to one thread arrive in order. False when the thread is not connected. */
  send(toThread: number, frame: Frame): boolean;
  broadcast(frame: Frame): void;
  /** Threads connected at the moment. */
  readonly threads: readonly number[];
}

/** A thread on its own. */
export const soloBus: Bus = {
  attach: () => undefined,
  send: () => false,
  broadcast: () => undefined,
  threads: [],
};
