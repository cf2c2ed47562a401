/**
 * One SSH transport (RFC 4253) for either role: identification, key exchange and re-keying by the `ssh2`
 * library, packets by this folder. What lies above (authentication, requests, channels) gets whole payloads.
 * Spec 01 §4.
 */

import type { HostKey } from '../host-key.js';
import { createOffer, type OfferChoice } from './algorithms.js';
import { Inbound, type LibraryProtocol, type Negotiated, type PayloadSink, Protocol } from './library.js';
import { disconnectReason, message } from './messages.js';
import type { PacketOpener } from './open-packets.js';
import { commit, flushOutbox, type OutboxOwner, reserve } from './outbox.js';
import { IdentReader } from './read-ident.js';
import { PAYLOAD_OFFSET, PacketSealer } from './seal-packets.js';
import { packet } from './wire.js';

export const SERVER_IDENT = 'SSH-rport-v1-server';
export const CLIENT_IDENT = 'SSH-rport-v1-client';

/** Packets accepted before authentication: what every SSH implementation must accept (RFC 4253 §6.1). */
const STRANGER_PACKET_BYTES = 35_000;

/** Results of commands carry two streams of 4 MiB and their JSON escapes in one packet (spec 01 §4.5). */
const TRUSTED_PACKET_BYTES = 32 * 1024 * 1024;

/** Re-keying as the Go library does it (spec 01 §4.4). */
const REKEY_PACKETS = 2 ** 31;
const REKEY_BYTES = 64 * 2 ** 30;
const REKEY_BYTES_CHACHA = 2 ** 30;

/** Key exchanges the peer may start without having sent so many packets since the last one. */
const PACKETS_PER_REKEY = 64;
const FREE_REKEYS = 16;

/** Payloads held back while keys are exchanged; they are few unless the peer delays its part and goes on asking. */
const MAX_HELD_BYTES = 8 * 1024 * 1024;

/** What the library is fed instead of the peer's line, which it would refuse. */
const STAND_IN_IDENT = Buffer.from('SSH-2.0-x\r\n');

const NO_BODY = Buffer.alloc(0);

export interface TransportHandlers {
  /** Sends bytes, packets of these lengths one after the other; both are valid only during the call. */
  write(bytes: Buffer, packets: readonly number[]): void;
  /** First key exchange done; messages may be sent. */
  onReady(): void;
  /** A later key exchange is done; what it held back has been sent. */
  onKeys?(): void;
  /** A payload with message number 5, 6 or 50 and up. The receiver may keep it. */
  onMessage(payload: Buffer): void;
  /** The transport is dead: error, violation or the peer's DISCONNECT. Called once. */
  onEnd(cause: string): void;
}

export type TransportOptions = TransportHandlers &
  (
    | { readonly role: 'server'; readonly hostKey: HostKey }
    | { readonly role: 'client'; readonly verifyHost: (publicBlob: Buffer) => boolean }
  ) & {
    /** Restricts the algorithms, for tests. */
    readonly offer?: OfferChoice;
    /** Replaces the identification line, for tests. */
    readonly ident?: string;
  };

const standardOffers = { server: createOffer('server'), client: createOffer('client') };

export class SshTransport implements OutboxOwner {
  readonly #options: TransportOptions;
  readonly #protocol: LibraryProtocol;
  readonly #inbound = new Inbound(STRANGER_PACKET_BYTES);
  #identReader: IdentReader | null = new IdentReader();
  #remoteIdent: Buffer = Buffer.alloc(0);
  #ready = false;
  #ended = false;
  /** Depth of `together`. */
  #holding = 0;
  /** Payloads that wait for the end of a key exchange. */
  #queue: Buffer[] = [];
  #queuedBytes = 0;
  #rekeysLeft = FREE_REKEYS;
  #packetsSinceRekey = 0;
  #negotiated: Negotiated | null = null;

  constructor(options: TransportOptions) {
    this.#options = options;
    const { role } = options;
    this.#protocol = new Protocol({
      server: role === 'server',
      ...(options.role === 'server'
        ? {
            hostKeys: {
              [options.hostKey.type]: {
                type: options.hostKey.type,
                getPublicSSH: () => options.hostKey.publicBlob,
                sign: (data: Buffer) => options.hostKey.sign(data),
              },
            },
          }
        : { hostVerifier: options.verifyHost }),
      offer: options.offer === undefined ? standardOffers[role] : createOffer(role, options.offer),
      onWrite: (bytes) => this.#append(bytes),
      onError: (error) => this.#end(error.message),
      onHeader: () => {
        this.#protocol._remoteIdentRaw = this.#remoteIdent;
      },
      onHandshakeComplete: (negotiated) => this.#onKeys(negotiated),
      messageHandlers: {
        DISCONNECT: (_protocol: unknown, reason: number, text: string) =>
          this.#end(`peer disconnected, reason ${reason}: ${text.slice(0, 200)}`),
      },
    });
    this.#protocol._identRaw = Buffer.from(
      options.ident ?? (role === 'server' ? SERVER_IDENT : CLIENT_IDENT),
      'latin1',
    );
    // As a client the library would go strict on the server's word alone.
    if (options.offer?.markers === false) this.#protocol._strictMode = false;
    const transportMessage = this.#protocol._onPayload;
    this.#protocol._onPayload = Object.assign(
      (payload: Buffer) => this.#dispatch(payload, transportMessage),
      { inbound: this.#inbound },
    );
  }

  /** Sends the identification line. */
  start(): void {
    const ident = this.#protocol._identRaw;
    this.together(() => this.#append(Buffer.concat([ident, Buffer.from('\r\n')])));
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Algorithms in use; `null` before the first key exchange. */
  get negotiated(): Negotiated | null {
    return this.#negotiated;
  }

  get strictKeyExchange(): boolean {
    return this.#protocol._strictMode === true;
  }

  /** Whether a key exchange holds back what is sent. */
  get exchangingKeys(): boolean {
    return this.#protocol._kexinit !== undefined;
  }

  /** Payload bytes that wait for the end of a key exchange. */
  get heldBytes(): number {
    return this.#queuedBytes;
  }

  /** Takes bytes from the peer; `bytes` now belongs to the transport, which decrypts in place. */
  receive(bytes: Buffer): void {
    if (this.#ended) return;
    this.#holding += 1;
    try {
      this.#parse(bytes);
    } catch (error) {
      this.fail(error instanceof Error ? error.message : String(error));
    } finally {
      this.#holding -= 1;
      if (this.#holding === 0) flushOutbox(this);
    }
  }

  /** Takes bytes that are valid during the call only. */
  receiveTransient(bytes: Buffer): void {
    // Before the first keys the library reads, and keeps parts of what it is given.
    if (!this.#ready) {
      this.receive(Buffer.from(bytes));
      return;
    }
    this.#inbound.transient = true;
    this.receive(bytes);
    this.#inbound.transient = false;
  }

  /** Runs `work`; all it sends leaves as one message (several when it is much). */
  together(work: () => void): void {
    this.#holding += 1;
    try {
      work();
    } finally {
      this.#holding -= 1;
      if (this.#holding === 0) flushOutbox(this);
    }
  }

  /** From now on the peer is trusted with large packets. */
  trustPeer(): void {
    this.#inbound.packetLimit = TRUSTED_PACKET_BYTES;
  }

  /** Sends one payload, given in one or two pieces. Held back while keys are exchanged. */
  send(head: Buffer, body: Buffer = NO_BODY): void {
    if (this.#ended) return;
    if (this.exchangingKeys) {
      this.#queue.push(body.length === 0 ? Buffer.from(head) : Buffer.concat([head, body]));
      this.#queuedBytes += head.length + body.length;
      if (this.#queuedBytes > MAX_HELD_BYTES) this.fail('key exchange takes too long');
      return;
    }
    this.#seal(head, body);
    const cipher = this.#protocol._cipher;
    if (cipher instanceof PacketSealer && this.#exhausted(cipher)) this.rekey();
    if (this.#holding === 0) flushOutbox(this);
  }

  /** Starts a key exchange; nothing happens while one is running. */
  rekey(): void {
    if (!this.#ended && this.#ready) this.together(() => this.#protocol.rekey());
  }

  /** SSH_MSG_DISCONNECT, also in the middle of a key exchange; then the transport is dead. */
  disconnect(reason: number, text: string): void {
    if (this.#ended) return;
    this.together(() => this.#seal(packet(message.disconnect, [reason, text, '']), NO_BODY));
    this.#end(text);
  }

  /** The peer broke the protocol. */
  fail(text: string): void {
    this.disconnect(disconnectReason.protocolError, text);
  }

  /** Drops everything without a word to the peer. */
  destroy(cause: string): void {
    this.#end(cause);
  }

  emit(bytes: Buffer, packets: readonly number[]): void {
    this.#options.write(bytes, packets);
  }

  #parse(bytes: Buffer): void {
    if (this.#identReader === null) {
      // The library would do the same, by a way that is slow for the many connections of a server.
      const { reader } = this.#inbound;
      const at = reader === null ? 0 : reader.decrypt(bytes, 0, bytes.length);
      if (at !== undefined && at < bytes.length) this.#protocol.parse(bytes, at, bytes.length);
      return;
    }
    const line = this.#identReader.read(bytes);
    if (line === null) return;
    this.#identReader = null;
    this.#remoteIdent = Buffer.from(line.ident);
    this.#protocol.parse(STAND_IN_IDENT, 0, STAND_IN_IDENT.length);
    if (line.rest.length > 0) this.#protocol.parse(line.rest, 0, line.rest.length);
  }

  /** Every payload outside of a key exchange. A result other than `undefined` stops the reader. */
  #dispatch(payload: Buffer, transportMessage: PayloadSink): unknown {
    const type = payload[0];
    if (type === undefined) return undefined;
    this.#packetsSinceRekey += 1;
    if (type >= message.authRequest || type === message.serviceRequest || type === message.serviceAccept) {
      if (type === message.ping) this.#pong(payload);
      else this.#options.onMessage(payload);
    } else if (type === message.kexInit) {
      this.#countRekey();
      if (!this.#ended) return transportMessage(payload);
    } else if (type === message.disconnect) {
      transportMessage(payload);
    }
    // Everything else below 50 needs no answer: IGNORE, DEBUG, EXT_INFO, and numbers nobody uses, for which
    // UNIMPLEMENTED would be right, but an agent that gets it closes the connection (spec 01 §4.6).
    if (this.#ended) return Number.POSITIVE_INFINITY;
    const { reader } = this.#inbound;
    if (reader !== null && this.#exhausted(reader)) this.rekey();
    return undefined;
  }

  #pong(payload: Buffer): void {
    const answer = Buffer.from(payload);
    answer[0] = message.pong;
    this.send(answer);
  }

  /** A peer that does nothing but exchange keys would cost a millisecond of CPU each time. */
  #countRekey(): void {
    if (this.#inbound.packetLimit === STRANGER_PACKET_BYTES) {
      this.fail('key exchange before authentication');
      return;
    }
    const volume = this.#inbound.reader?.bytes ?? 0;
    if (this.#packetsSinceRekey >= PACKETS_PER_REKEY || volume >= TRUSTED_PACKET_BYTES) {
      this.#rekeysLeft = FREE_REKEYS;
    }
    this.#packetsSinceRekey = 0;
    this.#rekeysLeft -= 1;
    if (this.#rekeysLeft < 0) this.fail('too many key exchanges');
  }

  #exhausted(keys: PacketSealer | PacketOpener): boolean {
    const chaCha = this.#negotiated?.cs.cipher.startsWith('chacha20') ?? false;
    return keys.packets >= REKEY_PACKETS || keys.bytes >= (chaCha ? REKEY_BYTES_CHACHA : REKEY_BYTES);
  }

  #onKeys(negotiated: Negotiated): void {
    this.#negotiated = negotiated;
    const queue = this.#queue;
    this.#queue = [];
    this.#queuedBytes = 0;
    for (const payload of queue) this.#seal(payload, NO_BODY);
    if (this.#ready) {
      this.#options.onKeys?.();
      return;
    }
    this.#ready = true;
    this.#options.onReady();
  }

  #seal(head: Buffer, body: Buffer): void {
    const cipher = this.#protocol._cipher;
    const length = head.length + body.length;
    if (cipher instanceof PacketSealer) {
      const room = reserve(this, cipher.room(length));
      // Making room may have sent what was there, and that may have ended the connection.
      if (this.#ended) return;
      head.copy(room, PAYLOAD_OFFSET);
      if (body.length > 0) body.copy(room, PAYLOAD_OFFSET + head.length);
      commit(this, room, cipher.seal(room, length));
      return;
    }
    const plain = cipher.allocPacket(length);
    head.copy(plain, PAYLOAD_OFFSET);
    body.copy(plain, PAYLOAD_OFFSET + head.length);
    cipher.encrypt(plain);
  }

  #append(bytes: Uint8Array): void {
    const piece = reserve(this, bytes.length);
    piece.set(bytes);
    commit(this, piece, bytes.length);
    if (this.#holding === 0) flushOutbox(this);
  }

  #end(cause: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#queue = [];
    this.#queuedBytes = 0;
    flushOutbox(this);
    try {
      this.#protocol.cleanup();
    } catch {
      // The library tears itself down after a fatal error and may do so half-way; nothing is left to save.
    }
    this.#options.onEnd(cause);
  }
}
