/**
 * The SFTP service through which agents fetch the files they were asked to: version 3, reading only, and of all the
 * machine only what `FileAccess` names. One request at a time, no faster than the agent takes the answers. What is no
 * SFTP ends the channel; the connection and its other channels are not touched. Spec 04 §17, 01 §10.5.
 */

import type { AgentChannel, ChannelHandlers, IncomingChannel } from '../session.js';
import { PacketReader } from '../ssh/wire.js';
import { FileRequests } from './file-requests.js';
import { LENGTH_BYTES, MOST_PACKET_BYTES, PacketBuffer } from './packets.js';

export interface FileAccess {
  /** Path on this machine of the file the agent knows as `name`; `undefined`: there is none for it. */
  resolve(name: string): string | undefined;
  /** The agent has asked for something. */
  onActivity(): void;
  /** The channel is gone, unless it was closed by `FileChannel.close`. */
  onClose(): void;
}

export interface FileChannel {
  /** Ends it at once. */
  close(): void;
}

export type ServeFiles = (incoming: IncomingChannel, access: FileAccess) => FileChannel;

/** Requests handled in a row before others get their turn; some 10 µs each. */
const MOST_PER_TURN = 32;

/** Requests an agent may send ahead: agents send one of 40 bytes and wait, other clients some dozens. */
const MOST_WAITING_BYTES = 2 * MOST_PACKET_BYTES;

export const serveFiles: ServeFiles = (incoming, access) => new Service(incoming, access);

class Service implements FileChannel, ChannelHandlers {
  readonly #channel: AgentChannel;
  readonly #input = new PacketBuffer();
  readonly #requests: FileRequests;
  /** The agent has asked for SFTP. */
  #started = false;
  #ended = false;
  /** A request is being worked on, or the next turn is due. */
  #busy = false;
  #full = false;

  constructor(
    incoming: IncomingChannel,
    private readonly access: FileAccess,
  ) {
    this.#requests = new FileRequests(access);
    this.#channel = incoming.accept(this);
  }

  onRequest(name: string, payload: Buffer): boolean {
    if (this.#started || name !== 'subsystem') return false;
    const reader = new PacketReader(payload, 0);
    this.#started = reader.name() === 'sftp' && reader.atEnd;
    return this.#started;
  }

  onData(chunk: Buffer): void {
    if (this.#ended) return;
    if (!this.#started) {
      this.#fail();
      return;
    }
    this.#input.push(chunk);
    this.#work();
    if (this.#input.length > MOST_WAITING_BYTES) this.#fail();
  }

  onDrain(): void {
    this.#full = false;
    this.#work();
  }

  onClose(): void {
    // What a Go client waits for after its own half-close; the session closes the channel next.
    this.#channel.sendEof();
    this.#end();
    this.access.onClose();
  }

  close(): void {
    if (this.#ended) return;
    this.#end();
    // Without it the channel would wait for the agent to take what is queued.
    this.#channel.sendEof();
    this.#channel.close();
  }

  #work(): void {
    for (let handled = 0; !this.#busy && !this.#full && !this.#ended; handled++) {
      if (handled === MOST_PER_TURN) {
        this.#busy = true;
        setImmediate(() => {
          this.#busy = false;
          this.#work();
        });
        return;
      }
      const request = this.#input.take();
      if (request === null) return;
      if (request === 'malformed') {
        this.#fail();
        return;
      }
      this.#handle(request);
    }
  }

  #handle(request: Buffer): void {
    this.access.onActivity();
    const answer = this.#requests.answer(request);
    if (!(answer instanceof Promise)) {
      this.#reply(request, answer);
      return;
    }
    this.#busy = true;
    void answer.then((late) => {
      this.#busy = false;
      if (this.#ended) return;
      this.#reply(request, late);
      this.#work();
    });
  }

  #reply(request: Buffer, answer: readonly Buffer[] | 'malformed'): void {
    if (answer === 'malformed') {
      this.#fail();
      return;
    }
    let length = 0;
    for (const part of answer) length += part.length;
    const head = Buffer.allocUnsafe(LENGTH_BYTES);
    head.writeUInt32BE(length);
    this.#full = !this.#channel.write(Buffer.concat([head, ...answer], LENGTH_BYTES + length));
    this.#channel.consumed(LENGTH_BYTES + request.length);
  }

  #fail(): void {
    this.close();
    this.access.onClose();
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#requests.close();
  }
}
