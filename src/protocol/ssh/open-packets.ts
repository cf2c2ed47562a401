/**
 * Cuts the received byte stream into packets and removes their protection. Replaces the library's readers,
 * which refuse packets above 35 000 bytes (spec 01 §4.5). A packet that lies in one chunk is decrypted where
 * it is; only split packets are copied.
 */

import type { Inbound, InboundKeys, LibraryDecipher } from './library.js';
import { type OpenCodec, openCodec } from './open-codecs.js';

const HEAD_BYTES = 4;

/** Smallest packet: 1 byte of padding length, 4 of padding, a payload of at least nothing. */
const MIN_PACKET_BYTES = 5;

/**
 * Packets in one message, which are handled in one go: at a microsecond or two each they hold up the thread. Agents
 * send at most one.
 */
const MAX_PACKETS_PER_CHUNK = 10_000;

/** Room for four full data packets; a chunk that a slow user holds keeps at most this much alive. */
const SLAB_BYTES = 4 * (32 * 1024 + 64);
/** Smaller ones come from the runtime's own pool. */
const MIN_SLAB_PACKET_BYTES = 512;

let slab = Buffer.alloc(0);
let slabUsed = 0;

/** Memory for one packet: an allocation per packet would cost as much as decrypting it. */
const allocatePacket = (length: number): Buffer => {
  if (length < MIN_SLAB_PACKET_BYTES || length > SLAB_BYTES / 2) return Buffer.allocUnsafe(length);
  if (slabUsed + length > slab.length) {
    slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
    slabUsed = 0;
  }
  const piece = slab.subarray(slabUsed, slabUsed + length);
  slabUsed += length;
  return piece;
};

export class PacketOpener implements LibraryDecipher {
  inSeqno: number;
  _onPayload: (payload: Buffer) => unknown;
  /** Received under the current keys; they decide when to re-key. */
  packets = 0;
  bytes = 0;

  readonly #inbound: Inbound;
  readonly #codec: OpenCodec;
  /** Length field of the present packet; needed again when it is opened. */
  readonly #head = Buffer.alloc(HEAD_BYTES);
  #headLength = 0;
  /** `packet_length`, -1 while unknown. */
  #length = -1;
  /** Body and tag of a packet that comes in pieces. */
  #partial: Buffer | null = null;
  #partialLength = 0;
  #freed = false;

  constructor(keys: InboundKeys) {
    this.inSeqno = keys.seqno;
    this.#inbound = keys.onPayload.inbound;
    this._onPayload = keys.onPayload;
    this.#codec = openCodec(keys);
  }

  decrypt(data: Buffer, from: number, to: number): number | undefined {
    const tagBytes = this.#codec.tagBytes;
    let at = from;
    let packets = 0;
    while (at < to) {
      if (this.#length === -1) {
        at = this.#readHead(data, at, to);
        if (this.#length === -1) return undefined;
      }
      const length = this.#length;
      const total = length + tagBytes;
      let body: Buffer;
      let tag: Buffer;
      if (this.#partial === null && to - at >= total && !this.#inbound.transient) {
        body = data.subarray(at, at + length);
        tag = data.subarray(at + length, at + total);
        at += total;
      } else {
        const packet = this.#partial ?? allocatePacket(total);
        const taken = Math.min(total - this.#partialLength, to - at);
        data.copy(packet, this.#partialLength, at, at + taken);
        at += taken;
        if (this.#partialLength + taken < total) {
          this.#partial = packet;
          this.#partialLength += taken;
          return undefined;
        }
        body = packet.subarray(0, length);
        tag = packet.subarray(length);
      }
      packets += 1;
      if (packets > MAX_PACKETS_PER_CHUNK) throw new Error('too many packets in one message');
      const payload = this.#finish(body, tag);
      const stop = this._onPayload(payload);
      if (stop !== undefined) return stop === false ? at : Number.POSITIVE_INFINITY;
      // The library goes on after a DISCONNECT within a key exchange; a freed native cipher kills the process.
      if (this.#freed) return Number.POSITIVE_INFINITY;
    }
    return undefined;
  }

  free(): void {
    this.#freed = true;
    this.#codec.free();
  }

  #readHead(data: Buffer, from: number, to: number): number {
    let at = from;
    // Byte by byte, because a copy of four would take a view.
    while (this.#headLength < HEAD_BYTES) {
      if (at === to) return at;
      this.#head[this.#headLength++] = data[at++] ?? 0;
    }
    const length = this.#codec.length(this.#head, this.inSeqno);
    const { uncounted, block, tagBytes } = this.#codec;
    if (length < MIN_PACKET_BYTES || length + HEAD_BYTES + tagBytes > this.#inbound.packetLimit) {
      throw new Error(`Bad packet length: ${length}`);
    }
    if ((length + uncounted) % block !== 0) throw new Error(`Bad packet length: ${length}`);
    this.#headLength = 0;
    this.#length = length;
    return at;
  }

  #finish(body: Buffer, tag: Buffer): Buffer {
    const plain = this.#codec.open(this.#head, body, tag, this.inSeqno);
    const padding = plain[0] ?? 0;
    if (padding < 4 || padding >= plain.length) throw new Error('Bad padding length');
    this.inSeqno = (this.inSeqno + 1) >>> 0;
    this.packets += 1;
    this.bytes += body.length;
    this.#length = -1;
    if (this.#partial !== null) {
      this.#partial = null;
      this.#partialLength = 0;
    }
    return plain.subarray(1, plain.length - padding);
  }
}

/** Called by the library when new keys take effect. */
export const createOpener = (keys: InboundKeys): PacketOpener => {
  const opener = new PacketOpener(keys);
  keys.onPayload.inbound.reader = opener;
  return opener;
};
