/**
 * Global requests in both directions. Replies carry no number: they belong to the requests in order, so one
 * request is on the wire at a time and our answers leave in the order of the questions. Spec 01 §5.
 */

import type { Clock, Milliseconds, Timer } from '../time.js';
import { type Answer, type RequestReply, SessionError, type SessionHandlers } from './session.js';
import {
  MAX_REQUEST_BYTES,
  MAX_REQUESTS_UNANSWERED,
  MAX_REQUESTS_WAITING,
  MAX_UNANSWERED_BYTES,
} from './session-limits.js';
import type { SessionLink } from './session-link.js';
import { message } from './ssh/messages.js';
import { PacketReader, packet } from './ssh/wire.js';

interface Outgoing {
  readonly name: string;
  readonly payload: Buffer | string;
  resolve(reply: RequestReply): void;
  reject(error: SessionError): void;
  timer: Timer;
  /** The caller has given up; the reply is still due. */
  expired: boolean;
}

/** A request of the agent whose answer must wait for those before it. */
interface Unanswered {
  reply: Buffer | null;
  readonly bytes: number;
}

interface Early {
  readonly name: string;
  readonly payload: Buffer;
  readonly answer: Answer | null;
}

/** Go's JSON of an empty result; the surplus reply of old agents (spec 01 §14). */
const NULL_JSON = 'null';

export class SessionRequests {
  readonly #waiting: Outgoing[] = [];
  #onWire: Outgoing | null = null;
  /**
   * Agents 0.9.2 to 0.9.6 answer `ping` twice, first empty, then `null`. After an empty ping reply one `null`
   * is therefore not taken for the reply of the next request. Only `refresh_updates_status` really answers
   * `null`, and nobody needs to tell those two apart.
   */
  #surplusNull = false;
  readonly #unanswered: Unanswered[] = [];
  #unansweredBytes = 0;
  #early: Early[] | null = [];
  #earlyBytes = 0;
  #handlers: SessionHandlers | null = null;

  constructor(
    private readonly link: SessionLink,
    private readonly clock: Clock,
  ) {}

  get pending(): boolean {
    return (this.#onWire !== null && !this.#onWire.expired) || this.#waiting.length > 0;
  }

  /** Sets the receiver and delivers what came before. */
  handle(handlers: SessionHandlers): void {
    this.#handlers = handlers;
    const early = this.#early;
    this.#early = null;
    this.#earlyBytes = 0;
    for (const { name, payload, answer } of early ?? []) this.#deliver(name, payload, answer);
  }

  request(name: string, payload: Buffer | string, timeoutMs: Milliseconds): Promise<RequestReply> {
    return new Promise((resolve, reject) => {
      if (sizeOf(name, payload) > MAX_REQUEST_BYTES) {
        reject(new SessionError('too_large', `request ${name} exceeds ${MAX_REQUEST_BYTES} bytes`));
        return;
      }
      if (this.#waiting.length >= MAX_REQUESTS_WAITING) {
        reject(new SessionError('refused', 'too many requests are waiting for the client'));
        return;
      }
      const outgoing: Outgoing = {
        name,
        payload,
        resolve,
        reject,
        expired: false,
        timer: this.clock.after(timeoutMs, () => this.#expire(outgoing)),
      };
      this.#waiting.push(outgoing);
      this.#sendNext();
    });
  }

  /** Throws `SessionError` when the payload is too large for an agent. */
  notify(name: string, payload: Buffer | string): void {
    if (sizeOf(name, payload) > MAX_REQUEST_BYTES) {
      throw new SessionError('too_large', `request ${name} exceeds ${MAX_REQUEST_BYTES} bytes`);
    }
    this.link.send(packet(message.globalRequest, [name, false], payload));
  }

  receiveRequest(payload: Buffer): void {
    const reader = new PacketReader(payload);
    const name = reader.name();
    const wantReply = reader.boolean();
    if (name === null || wantReply === null) {
      this.link.fail('malformed global request');
      return;
    }
    const answer = wantReply ? this.#expectAnswer(payload.length) : null;
    const data = reader.rest();
    if (this.#early !== null) {
      this.#early.push({ name, payload: data, answer });
      this.#earlyBytes += payload.length;
    }
    const tooMany =
      this.#unanswered.length > MAX_REQUESTS_UNANSWERED ||
      (this.#early?.length ?? 0) > MAX_REQUESTS_UNANSWERED ||
      this.#unansweredBytes + this.#earlyBytes > MAX_UNANSWERED_BYTES;
    if (tooMany) {
      this.link.fail('too many requests without an answer');
      return;
    }
    if (this.#early === null) this.#deliver(name, data, answer);
  }

  receiveReply(payload: Buffer): void {
    const ok = payload[0] === message.requestSuccess;
    const outgoing = this.#onWire;
    const data = payload.subarray(1);
    const surplus = ok && this.#surplusNull && data.length === 4 && data.toString('latin1') === NULL_JSON;
    if (outgoing === null || (surplus && outgoing.name !== 'refresh_updates_status')) {
      if (surplus) this.#surplusNull = false;
      return;
    }
    this.#onWire = null;
    if (outgoing.name === 'ping' && ok && data.length === 0) this.#surplusNull = true;
    if (!outgoing.expired) {
      outgoing.timer.cancel();
      outgoing.resolve({ ok, payload: data });
    }
    this.#sendNext();
  }

  connectionLost(): void {
    const error = new SessionError('closed', 'connection closed');
    const all = this.#onWire === null ? this.#waiting.splice(0) : [this.#onWire, ...this.#waiting.splice(0)];
    this.#onWire = null;
    this.#early = null;
    this.#unanswered.length = 0;
    for (const outgoing of all) {
      outgoing.timer.cancel();
      outgoing.reject(error);
    }
  }

  #sendNext(): void {
    if (this.#onWire !== null) return;
    const next = this.#waiting.shift();
    if (next === undefined) return;
    this.#onWire = next;
    this.link.send(packet(message.globalRequest, [next.name, true], next.payload));
  }

  #expire(outgoing: Outgoing): void {
    outgoing.expired = true;
    const at = this.#waiting.indexOf(outgoing);
    if (at !== -1) this.#waiting.splice(at, 1);
    outgoing.reject(new SessionError('timeout', `the client did not answer ${outgoing.name} in time`));
  }

  /** A place in the row of answers. */
  #expectAnswer(bytes: number): Answer {
    const place: Unanswered = { reply: null, bytes };
    this.#unanswered.push(place);
    this.#unansweredBytes += bytes;
    return (ok, payload) => {
      if (place.reply !== null) return;
      place.reply = answerPacket(ok, payload);
      this.#sendAnswers();
    };
  }

  #sendAnswers(): void {
    while (this.#unanswered[0]?.reply) {
      const { reply, bytes } = this.#unanswered[0];
      this.#unanswered.shift();
      this.#unansweredBytes -= bytes;
      this.link.send(reply);
    }
  }

  #deliver(name: string, payload: Buffer, answer: Answer | null): void {
    try {
      this.#handlers?.onRequest(name, payload, answer);
    } catch (error) {
      this.link.report(error);
      answer?.(false, 'internal error');
    }
  }
}

const sizeOf = (name: string, payload: Buffer | string): number =>
  name.length + (typeof payload === 'string' ? Buffer.byteLength(payload) : payload.length);

const answerPacket = (ok: boolean, payload: Buffer | string | undefined): Buffer => {
  const type = ok ? message.requestSuccess : message.requestFailure;
  const reply = packet(type, [], payload);
  // A longer one would make the agent close the connection; nothing we answer is near this size.
  if (reply.length > MAX_REQUEST_BYTES) return packet(message.requestFailure, [], 'the answer is too large');
  return reply;
};
