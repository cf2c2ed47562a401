/**
 * One agent connection inside its shard, from its login to its end: what is known of it before there is an actor,
 * and the gate between the session's callbacks and the actor's mailbox. Published to its own thread only.
 */

import type { ClientId } from '../../ids.js';
import type { AgentSession, Answer, IncomingChannel, SessionHandlers } from '../../protocol/session.js';
import type { Milliseconds } from '../../time.js';
import type { Ending } from '../registrar/messages.js';

export interface AgentRequest {
  readonly name: string;
  readonly payload: Buffer;
  /** `null`: no reply is wanted. */
  readonly answer: Answer | null;
}

/** Who takes the requests at the moment. */
export interface Receiver {
  request(request: AgentRequest): void;
  closed(cause: string): void;
  /** The agent opens a channel; decided at once, the agent waits. Absent: refused. */
  channel?(incoming: IncomingChannel): void;
  /** The agent sends faster than it is served. */
  flooded(): void;
  /** Ends everything that belongs to the connection; `finish` is called then. */
  stop(): void;
}

/**
 * Requests waiting for the actor. It serves all of them in its next turn, so honest agents, who send one ping at a
 * time and a measurement a minute, never come near.
 */
const MOST_WAITING = 512;
/** Bytes of them: the largest request there is, a result of 32 MiB, with some others. */
const MOST_WAITING_BYTES = 40 * 1024 * 1024;

export class Connection implements SessionHandlers {
  /** Set when the first request names it. */
  id: ClientId | null = null;
  /** When its credential was right. */
  loggedInAt: Milliseconds = 0;
  /** Accepted, stored and answered. */
  connected = false;
  /** Last sign of life that counts for the status check; 0 = none yet. */
  lastHeartbeat: Milliseconds = 0;
  /** A newer connection of the same agent waits for the end of this one, or its client is removed. */
  replaced = false;
  #receiver: Receiver | null = null;
  #waiting = 0;
  #waitingBytes = 0;
  #ending: Ending | null = null;
  #endingListeners: ((ending: Ending) => void)[] | null = null;

  /** @param attempt unique in the process; `onFinish` is called once, first of all */
  constructor(
    readonly attempt: string,
    readonly session: AgentSession,
    private readonly onFinish: () => void,
  ) {}

  /** Whether `finish` was called. */
  get ended(): boolean {
    return this.#ending !== null;
  }

  receive(receiver: Receiver): void {
    this.#receiver = receiver;
  }

  onRequest(name: string, payload: Buffer, answer: Answer | null): void {
    if (this.ended || this.#receiver === null) return;
    this.#waiting += 1;
    this.#waitingBytes += payload.length;
    const tooMany = this.#waiting > MOST_WAITING || this.#waitingBytes > MOST_WAITING_BYTES;
    if (tooMany) this.#receiver.flooded();
    else this.#receiver.request({ name, payload, answer });
  }

  onChannel(incoming: IncomingChannel): void {
    if (this.ended || this.#receiver?.channel === undefined) refuseChannel(incoming);
    else this.#receiver.channel(incoming);
  }

  onClose(cause: string): void {
    if (!this.ended) this.#receiver?.closed(cause);
  }

  /** A request has left the queue. */
  served(request: AgentRequest): void {
    this.#waiting -= 1;
    this.#waitingBytes -= request.payload.length;
  }

  /** Ends the connection so that a newer one can take its place, or nobody. Resolves when all of it has ended. */
  takeOver(): Promise<Ending> {
    this.replaced = true;
    if (this.#ending !== null) return Promise.resolve(this.#ending);
    return new Promise((resolve) => {
      this.#endingListeners ??= [];
      this.#endingListeners.push(resolve);
      this.#receiver?.stop();
    });
  }

  /** The connection and everything that hung on it is gone. */
  finish(ending: Ending): void {
    if (this.#ending !== null) return;
    this.connected = false;
    this.#receiver = null;
    this.#ending = ending;
    this.onFinish();
    for (const listener of this.#endingListeners ?? []) listener(ending);
    this.#endingListeners = null;
  }
}

/** SSH_OPEN_UNKNOWN_CHANNEL_TYPE. */
const UNKNOWN_TYPE = 3;

/** For channels of a kind that nobody here serves, or not at this time. */
export function refuseChannel(incoming: IncomingChannel): void {
  incoming.refuse(UNKNOWN_TYPE, 'unknown channel type');
}
