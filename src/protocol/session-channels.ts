/** The channels of one connection: opening in both directions, numbers, and the dispatch of messages. */

import type { Clock } from '../time.js';
import type { AgentChannel, ChannelHandlers, IncomingChannel } from './session.js';
import { SessionError } from './session.js';
import { type ChannelOwner, channelRequestOf, dataOf, SessionChannel } from './session-channel.js';
import {
  DATA_BYTES,
  MAX_INCOMING_CHANNELS,
  MAX_OPEN_BYTES,
  MAX_OPENS_IN_FLIGHT,
  MAX_OPENS_WAITING,
  MIN_DATA_BYTES,
  WINDOW_BYTES,
} from './session-limits.js';
import type { SessionLink } from './session-link.js';
import { message, openFailure } from './ssh/messages.js';
import { PacketReader, packet } from './ssh/wire.js';

interface Opening {
  readonly type: string;
  readonly data: string | Buffer;
  readonly handlers: ChannelHandlers;
  resolve(channel: SessionChannel): void;
  reject(error: SessionError): void;
}

/** Longest refusal text of an agent that is passed on. */
const MAX_REFUSAL_BYTES = 1024;

export class SessionChannels {
  /** Confirmed channels by our number; holes are free numbers. */
  readonly #open: (SessionChannel | undefined)[] = [];
  /** Sent and not yet answered opens by our number. */
  readonly #opening = new Map<number, Opening>();
  readonly #waiting: Opening[] = [];
  /** Channels with data that wait for the congestion to end, in the order in which they will be served. */
  #waitForRoom = new Set<SessionChannel>();
  #incoming = 0;
  /** No number below is free. */
  #firstFree = 0;
  readonly #byAgent = new Set<SessionChannel>();
  readonly #owner: ChannelOwner;

  constructor(
    private readonly link: SessionLink,
    clock: Clock,
    private readonly onIncoming: (incoming: IncomingChannel) => boolean,
  ) {
    this.#owner = {
      clock,
      get congested() {
        return link.congested;
      },
      send: (head, body) => link.send(head, body),
      together: (work) => link.together(work),
      fail: (text) => link.fail(text),
      report: (error) => link.report(error),
      waitForRoom: (channel) => this.#waitForRoom.add(channel),
      release: (channel) => this.#release(channel),
    };
  }

  /** Rejects with `SessionError`. */
  open(type: string, data: string | Buffer, handlers: ChannelHandlers): Promise<SessionChannel> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.length >= MAX_OPENS_WAITING) {
        reject(
          new SessionError('refused', 'too many channels are being opened', openFailure.resourceShortage),
        );
        return;
      }
      this.#waiting.push({ type, data, handlers, resolve, reject });
      this.#sendOpens();
    });
  }

  /** A message of RFC 4254 §5, numbers 90 to 100. */
  receive(payload: Buffer): void {
    const type = payload[0];
    if (type === message.channelOpen) {
      this.#receiveOpen(payload);
      return;
    }
    if (payload.length < 5) {
      this.link.fail('malformed channel message');
      return;
    }
    const id = payload.readUInt32BE(1);
    if (type === message.channelOpenConfirmation || type === message.channelOpenFailure) {
      this.#receiveOpenReply(id, payload, type === message.channelOpenConfirmation);
      return;
    }
    const channel = this.#open[id];
    if (channel === undefined) {
      this.link.fail(`message ${type} for unknown channel ${id}`);
      return;
    }
    if (type === message.channelData) {
      const data = dataOf(payload);
      if (data === null) {
        this.link.fail('malformed channel data');
        return;
      }
      channel.receiveData(data);
      return;
    }
    this.#receiveControl(channel, type, payload);
  }

  /** Serves the channels that wait, one chunk each in turn. */
  drain(): void {
    if (this.#waitForRoom.size === 0) return;
    const turn = this.#waitForRoom;
    this.#waitForRoom = new Set();
    this.link.together(() => {
      for (const channel of turn) {
        if (this.link.congested) break;
        turn.delete(channel);
        channel.resume();
      }
    });
    // Those who had no turn go first next time.
    for (const channel of this.#waitForRoom) turn.add(channel);
    this.#waitForRoom = turn;
  }

  connectionLost(): void {
    const error = new SessionError('closed', 'connection closed');
    const openings = [...this.#opening.values(), ...this.#waiting.splice(0)];
    this.#opening.clear();
    for (const opening of openings) opening.reject(error);
    this.#waitForRoom.clear();
    for (const channel of this.#open.splice(0)) channel?.connectionLost();
  }

  /** The lowest number that is free, as Go uses them. */
  #freeNumber(): number {
    let id = this.#firstFree;
    while (this.#open[id] !== undefined || this.#opening.has(id)) id += 1;
    this.#firstFree = id + 1;
    return id;
  }

  #sendOpens(): void {
    while (this.#opening.size < MAX_OPENS_IN_FLIGHT) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      const id = this.#freeNumber();
      this.#opening.set(id, next);
      this.link.send(packet(message.channelOpen, [next.type, id, WINDOW_BYTES, DATA_BYTES], next.data));
    }
  }

  #receiveOpenReply(id: number, payload: Buffer, confirmed: boolean): void {
    const opening = this.#opening.get(id);
    if (opening === undefined) {
      this.link.fail('answer to a channel that was not opened');
      return;
    }
    const reader = new PacketReader(payload, 5);
    this.#opening.delete(id);
    if (!confirmed) {
      this.#firstFree = Math.min(this.#firstFree, id);
      const reason = reader.u32() ?? 0;
      const text = reader.string()?.toString('utf8', 0, MAX_REFUSAL_BYTES) ?? '';
      opening.reject(new SessionError('refused', text, reason));
      this.#sendOpens();
      return;
    }
    const remoteId = reader.u32();
    const window = reader.u32();
    const dataBytes = reader.u32() ?? 0;
    if (remoteId === null || window === null || dataBytes < MIN_DATA_BYTES) {
      opening.reject(new SessionError('closed', 'malformed channel confirmation'));
      this.link.fail('malformed channel confirmation');
      return;
    }
    const channel = new SessionChannel(this.#owner, id, opening.handlers);
    this.#open[id] = channel;
    channel.confirmed(remoteId, window, dataBytes);
    opening.resolve(channel);
    this.#sendOpens();
  }

  #receiveOpen(payload: Buffer): void {
    const reader = new PacketReader(payload);
    const type = reader.name();
    const remoteId = reader.u32();
    const window = reader.u32();
    const dataBytes = reader.u32() ?? 0;
    if (type === null || remoteId === null || window === null || dataBytes < MIN_DATA_BYTES) {
      this.link.fail('malformed channel open');
      return;
    }
    let decided = false;
    const refuse = (reason: number, text: string): void => {
      if (decided) return;
      decided = true;
      this.#incoming -= 1;
      this.link.send(packet(message.channelOpenFailure, [remoteId, reason, text, 'en']));
    };
    this.#incoming += 1;
    if (this.#incoming > MAX_INCOMING_CHANNELS || payload.length > MAX_OPEN_BYTES) {
      refuse(openFailure.resourceShortage, 'too many channels');
      return;
    }
    const accept = (handlers: ChannelHandlers, windowBytes = WINDOW_BYTES): AgentChannel => {
      if (decided) throw new Error('channel already decided');
      decided = true;
      const id = this.#freeNumber();
      const channel = new SessionChannel(this.#owner, id, handlers, windowBytes);
      this.#open[id] = channel;
      this.#byAgent.add(channel);
      channel.confirmed(remoteId, window, dataBytes);
      this.link.send(packet(message.channelOpenConfirmation, [remoteId, id, windowBytes, DATA_BYTES]));
      return channel;
    };
    if (!this.onIncoming({ type, data: reader.rest(), accept, refuse })) {
      refuse(openFailure.unknownType, 'unknown channel type');
    }
  }

  #receiveControl(channel: SessionChannel, type: number | undefined, payload: Buffer): void {
    switch (type) {
      case message.channelWindowAdjust:
        if (payload.length < 9) {
          this.link.fail('malformed window adjust');
          return;
        }
        channel.receiveWindow(payload.readUInt32BE(5));
        return;
      case message.channelExtendedData: {
        const data = new PacketReader(payload, 9).string();
        if (data === null) {
          this.link.fail('malformed channel data');
          return;
        }
        channel.receiveExtendedData(data.length);
        return;
      }
      case message.channelEof:
        channel.receiveEof();
        return;
      case message.channelClose:
        channel.receiveClose();
        return;
      case message.channelRequest: {
        const request = channelRequestOf(payload);
        if (request === null) {
          this.link.fail('malformed channel request');
          return;
        }
        channel.receiveRequest(request.name, request.wantReply, request.data);
        return;
      }
      case message.channelSuccess:
      case message.channelFailure:
        channel.receiveReply(type === message.channelSuccess);
        return;
      default:
        // Numbers 91 to 100 are all above; nothing else is dispatched here.
        this.link.fail(`unknown channel message ${type}`);
        return;
    }
  }

  #release(channel: SessionChannel): void {
    this.#open[channel.localId] = undefined;
    this.#firstFree = Math.min(this.#firstFree, channel.localId);
    this.#waitForRoom.delete(channel);
    if (this.#byAgent.delete(channel)) this.#incoming -= 1;
  }
}
