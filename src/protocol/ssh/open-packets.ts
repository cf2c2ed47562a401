/**
 * Cuts the received byte stream into packets and removes their protection. Replaces the library's readers,
 * which refuse packets above 35 000 bytes (spec 01 §4.5). A packet that lies in one chunk is decrypted where
 * it is; only split packets are copied.
 */

import type { InboundKeys, LibraryDecipher, PayloadSink } from './library.js';
import { type OpenCodec, openCodec } from './open-codecs.js';

const HEAD_BYTES = 4;

/** Smallest packet: 1 byte of padding length, 4 of padding, a payload of at least nothing. */
const MIN_PACKET_BYTES = 5;

export class PacketOpener implements LibraryDecipher {
  inSeqno: number;
  _onPayload: (payload: Buffer) => unknown;
  /** Received under the current keys; they decide when to re-key. */
  packets = 0;
  bytes = 0;

  readonly #sink: PayloadSink;
  readonly #codec: OpenCodec;
  #head: Buffer | null = null;
  #headLength = 0;
  /** `packet_length`, -1 while unknown. */
  #length = -1;
  /** Body and tag of a packet that came in pieces. */
  #partial: Buffer | null = null;
  #partialLength = 0;
  #freed = false;

  constructor(keys: InboundKeys) {
    this.inSeqno = keys.seqno;
    this.#sink = keys.onPayload;
    this._onPayload = keys.onPayload;
    this.#codec = openCodec(keys);
  }

  decrypt(data: Buffer, from: number, to: number): number | undefined {
    const tagBytes = this.#codec.tagBytes;
    let at = from;
    while (at < to) {
      if (this.#length === -1) {
        at = this.#readHead(data, at, to);
        if (this.#length === -1) return undefined;
      }
      const length = this.#length;
      const total = length + tagBytes;
      let body: Buffer;
      let tag: Buffer;
      if (this.#partial === null && to - at >= total) {
        body = data.subarray(at, at + length);
        tag = data.subarray(at + length, at + total);
        at += total;
      } else {
        this.#partial ??= Buffer.allocUnsafe(total);
        const taken = Math.min(total - this.#partialLength, to - at);
        data.copy(this.#partial, this.#partialLength, at, at + taken);
        at += taken;
        this.#partialLength += taken;
        if (this.#partialLength < total) return undefined;
        body = this.#partial.subarray(0, length);
        tag = this.#partial.subarray(length);
      }
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
    let head: Buffer;
    if (this.#headLength === 0 && to - at >= HEAD_BYTES) {
      head = data.subarray(at, at + HEAD_BYTES);
      at += HEAD_BYTES;
    } else {
      const pieces =
        this.#headLength === 0 || this.#head === null ? Buffer.allocUnsafe(HEAD_BYTES) : this.#head;
      const taken = Math.min(HEAD_BYTES - this.#headLength, to - at);
      data.copy(pieces, this.#headLength, at, at + taken);
      this.#head = pieces;
      this.#headLength += taken;
      at += taken;
      if (this.#headLength < HEAD_BYTES) return at;
      head = pieces;
    }
    const length = this.#codec.length(head, this.inSeqno);
    const { uncounted, block, tagBytes } = this.#codec;
    if (length < MIN_PACKET_BYTES || length + HEAD_BYTES + tagBytes > this.#sink.packetLimit) {
      throw new Error(`Bad packet length: ${length}`);
    }
    if ((length + uncounted) % block !== 0) throw new Error(`Bad packet length: ${length}`);
    this.#head = head;
    this.#headLength = 0;
    this.#length = length;
    return at;
  }

  #finish(body: Buffer, tag: Buffer): Buffer {
    const plain = this.#codec.open(this.#head ?? body, body, tag, this.inSeqno);
    const padding = plain[0] ?? 0;
    if (padding < 4 || padding >= plain.length) throw new Error('Bad padding length');
    this.inSeqno = (this.inSeqno + 1) >>> 0;
    this.packets += 1;
    this.bytes += body.length;
    this.#head = null;
    this.#length = -1;
    this.#partial = null;
    this.#partialLength = 0;
    return plain.subarray(1, plain.length - padding);
  }
}

/** Called by the library when new keys take effect. */
export const createOpener = (keys: InboundKeys): PacketOpener => new PacketOpener(keys);
