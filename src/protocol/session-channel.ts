/**
 * One SSH channel with its two windows (RFC 4254 §5). Data towards the agent waits here while the agent's
 * window is used up or the connection is congested; credit for received data is given as it is consumed.
 */

import type { Clock, Timer } from '../time.js';
import type { AgentChannel, ChannelHandlers } from './session.js';
import {
  CHANNEL_LINGER,
  CREDIT_STEPS,
  DATA_BYTES,
  MAX_WINDOW_BYTES,
  WINDOW_BYTES,
} from './session-limits.js';
import type { SessionLink } from './session-link.js';
import { message } from './ssh/messages.js';
import { PacketReader, packet } from './ssh/wire.js';

/** Message number, channel, length; filled anew for each data message, `send` copies it. */
const dataHead = Buffer.alloc(9);
dataHead[0] = message.channelData;

export interface ChannelOwner extends SessionLink {
  readonly clock: Clock;
  /** The channel waits for `congested` to end; call `resume` on it then. */
  waitForRoom(channel: SessionChannel): void;
  /** Both sides have closed; the number is free again. */
  release(channel: SessionChannel): void;
}

export class SessionChannel implements AgentChannel {
  #remoteId = 0;
  #remoteWindow = 0;
  #remoteDataBytes = DATA_BYTES;
  #localWindow: number;
  /** Credit is given back in such steps. */
  readonly #creditStep: number;
  /** Delivered to the receiver and not yet consumed. */
  #unconsumed = 0;
  /** Consumed and not yet credited to the agent. */
  #credit = 0;
  #queue: Buffer[] = [];
  /** `write` has returned false and `onDrain` is owed. */
  #blocked = false;
  /** `close` was called by the receiver, which then needs no `onClose`. */
  #closing = false;
  #sentClose = false;
  #sentEof = false;
  /** The agent has ended its stream: EOF, CLOSE or the connection's end. */
  #ended = false;
  #linger: Timer | null = null;
  #replies: ((granted: boolean) => void)[] = [];

  constructor(
    private readonly owner: ChannelOwner,
    readonly localId: number,
    private readonly handlers: ChannelHandlers,
    window: number = WINDOW_BYTES,
  ) {
    this.#localWindow = window;
    this.#creditStep = window / CREDIT_STEPS;
  }

  get closed(): boolean {
    return this.#closing || this.#ended;
  }

  /** The agent's number, window and message size; the channel can be used from here on. */
  confirmed(remoteId: number, window: number, dataBytes: number): void {
    this.#remoteId = remoteId;
    this.#remoteWindow = window;
    this.#remoteDataBytes = Math.min(dataBytes, DATA_BYTES);
  }

  get remoteId(): number {
    return this.#remoteId;
  }

  write(chunk: Buffer): boolean {
    // Nobody is there to read it, and no `onDrain` will come.
    if (this.closed || this.#sentEof) return true;
    if (chunk.length === 0) return !this.#blocked;
    this.#queue.push(chunk);
    this.#pump();
    this.#blocked = this.#queue.length > 0 || this.owner.congested;
    if (this.#blocked && this.owner.congested) this.owner.waitForRoom(this);
    return !this.#blocked;
  }

  consumed(bytes: number): void {
    const taken = Math.min(bytes, this.#unconsumed);
    this.#unconsumed -= taken;
    this.#credit += taken;
    if (this.#credit < this.#creditStep || this.#sentClose || this.#ended) return;
    const credit = this.#credit;
    this.#credit = 0;
    this.#localWindow += credit;
    this.owner.send(packet(message.channelWindowAdjust, [this.#remoteId, credit]));
  }

  sendEof(): void {
    if (this.#sentEof || this.#sentClose || this.#closing) return;
    this.#sentEof = true;
    this.#queue = [];
    this.owner.send(packet(message.channelEof, [this.#remoteId]));
  }

  close(): void {
    if (this.#closing) return;
    this.#closing = true;
    if (this.#queue.length === 0) this.#sendClose();
    else this.#linger = this.owner.clock.after(CHANNEL_LINGER, () => this.#sendClose());
  }

  /** Sends a channel request; resolves with the agent's answer, false also when the channel ends. */
  request(name: string, payload: Buffer): Promise<boolean> {
    if (this.closed) return Promise.resolve(false);
    return new Promise((resolve) => {
      this.#replies.push(resolve);
      this.owner.send(packet(message.channelRequest, [this.#remoteId, name, true], payload));
    });
  }

  /** Congestion is over. */
  resume(): void {
    if (this.#sentClose) return;
    this.#pump();
    this.#afterPump();
  }

  receiveData(data: Buffer): void {
    if (data.length > DATA_BYTES) {
      this.owner.fail('channel data message too large');
      return;
    }
    if (data.length > this.#localWindow) {
      this.owner.fail('channel data beyond the window');
      return;
    }
    this.#localWindow -= data.length;
    if (this.closed || data.length === 0) return;
    this.#unconsumed += data.length;
    this.#call(() => this.handlers.onData(data));
  }

  /** Extended data has no reader; its window is given back at once. */
  receiveExtendedData(length: number): void {
    if (length > DATA_BYTES) {
      this.owner.fail('channel data message too large');
      return;
    }
    if (length > this.#localWindow) {
      this.owner.fail('channel data beyond the window');
      return;
    }
    this.#localWindow -= length;
    this.#unconsumed += length;
    this.consumed(length);
  }

  receiveWindow(bytes: number): void {
    if (this.#remoteWindow + bytes > MAX_WINDOW_BYTES) {
      this.owner.fail('channel window too large');
      return;
    }
    this.#remoteWindow += bytes;
    if (this.#sentClose || this.#queue.length === 0) return;
    this.#pump();
    this.#afterPump();
  }

  receiveEof(): void {
    this.#end();
    // No half-close in either direction (spec 01 §10.2).
    this.close();
  }

  receiveClose(): void {
    this.#queue = [];
    this.#sendClose();
    this.#end();
    this.owner.release(this);
  }

  receiveRequest(name: string, wantReply: boolean, payload: Buffer): void {
    let granted = false;
    if (!this.closed) this.#call(() => (granted = this.handlers.onRequest?.(name, payload) ?? false));
    if (!wantReply || this.#sentClose) return;
    this.owner.send(packet(granted ? message.channelSuccess : message.channelFailure, [this.#remoteId]));
  }

  receiveReply(granted: boolean): void {
    this.#replies.shift()?.(granted);
  }

  /** The connection is gone. */
  connectionLost(): void {
    this.#sentClose = true;
    this.#queue = [];
    this.#linger?.cancel();
    this.#end();
  }

  #pump(): void {
    const { owner } = this;
    if (this.#queue.length === 0 || this.#remoteWindow === 0 || owner.congested) return;
    owner.together(() => {
      while (this.#queue.length > 0 && this.#remoteWindow > 0 && !owner.congested) {
        const chunk = this.#queue[0] as Buffer;
        const length = Math.min(chunk.length, this.#remoteWindow, this.#remoteDataBytes);
        this.#remoteWindow -= length;
        dataHead.writeUInt32BE(this.#remoteId, 1);
        dataHead.writeUInt32BE(length, 5);
        if (length === chunk.length) {
          this.#queue.shift();
          owner.send(dataHead, chunk);
        } else {
          this.#queue[0] = chunk.subarray(length);
          owner.send(dataHead, chunk.subarray(0, length));
        }
      }
    });
  }

  #afterPump(): void {
    if (this.owner.congested) {
      if (this.#blocked || this.#queue.length > 0) this.owner.waitForRoom(this);
      return;
    }
    if (this.#queue.length > 0) return;
    if (this.#closing) {
      this.#sendClose();
    } else if (this.#blocked) {
      this.#blocked = false;
      this.#call(() => this.handlers.onDrain());
    }
  }

  #sendClose(): void {
    if (this.#sentClose) return;
    this.#sentClose = true;
    this.#queue = [];
    this.#linger?.cancel();
    this.owner.send(packet(message.channelClose, [this.#remoteId]));
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const reply of this.#replies.splice(0)) reply(false);
    if (!this.#closing) this.#call(() => this.handlers.onClose());
  }

  #call(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.owner.report(error);
      this.close();
    }
  }
}

/** The payload of a data message: channel data without its head, `null` when it is cut short. */
export const dataOf = (payload: Buffer): Buffer | null => {
  if (payload.length < 9) return null;
  const length = payload.readUInt32BE(5);
  return payload.length - 9 === length ? payload.subarray(9) : null;
};

/** Name, wish for a reply and payload of a channel request. */
export const channelRequestOf = (
  payload: Buffer,
): { readonly name: string; readonly wantReply: boolean; readonly data: Buffer } | null => {
  const reader = new PacketReader(payload, 5);
  const name = reader.name();
  const wantReply = reader.boolean();
  return name === null || wantReply === null ? null : { name, wantReply, data: reader.rest() };
};
