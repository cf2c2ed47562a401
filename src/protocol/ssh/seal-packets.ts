/**
 * Frames payloads as packets and protects them, in memory of the caller's choice, so that many packets can
 * leave in one piece. Replaces the library's writers, which allocate and draw random bytes for each packet.
 */

import { randomFillSync } from 'node:crypto';
import type { LibraryCipher, OutboundKeys } from './library.js';
import { type SealCodec, sealCodec } from './seal-codecs.js';

/** Length field and padding length. */
export const PAYLOAD_OFFSET = 5;

const MIN_PADDING = 4;

/** Random padding is drawn from a pool: one call of the generator per thousand packets. */
const pool = Buffer.alloc(16 * 1024);
let poolAt = pool.length;

const pad = (packet: Buffer, from: number, length: number): void => {
  if (poolAt + length > pool.length) {
    randomFillSync(pool);
    poolAt = 0;
  }
  pool.copy(packet, from, poolAt, poolAt + length);
  poolAt += length;
};

export class PacketSealer implements LibraryCipher {
  outSeqno: number;
  /** Sent under the current keys; they decide when to re-key. */
  packets = 0;
  bytes = 0;

  readonly #codec: SealCodec;
  readonly #onWrite: (packet: Uint8Array) => void;
  #freed = false;

  constructor(keys: OutboundKeys) {
    this.outSeqno = keys.seqno;
    this.#onWrite = keys.onWrite;
    this.#codec = sealCodec(keys);
  }

  /** Memory that `seal` needs for a payload of this length. */
  room(payloadLength: number): number {
    return PAYLOAD_OFFSET + payloadLength + this.#padding(payloadLength) + this.#codec.roomBytes;
  }

  /**
   * Seals the payload that lies at `PAYLOAD_OFFSET` of `packet`, which is exactly `room(payloadLength)` long.
   * Returns how many bytes of it are to be sent. Throws when the connection has ended.
   */
  seal(packet: Buffer, payloadLength: number): number {
    // A freed native cipher would kill the process.
    if (this.#freed) throw new Error('cipher is freed');
    const padding = this.#padding(payloadLength);
    packet.writeUInt32BE(1 + payloadLength + padding, 0);
    packet[4] = padding;
    pad(packet, PAYLOAD_OFFSET + payloadLength, padding);
    this.#codec.seal(packet, this.outSeqno);
    this.outSeqno = (this.outSeqno + 1) >>> 0;
    this.packets += 1;
    this.bytes += packet.length;
    return packet.length - this.#codec.roomBytes + this.#codec.tagBytes;
  }

  allocPacket(payloadLength: number): Buffer {
    const packet = Buffer.allocUnsafe(this.room(payloadLength));
    // `encrypt` learns the payload's length from these two fields.
    const padding = this.#padding(payloadLength);
    packet.writeUInt32BE(1 + payloadLength + padding, 0);
    packet[4] = padding;
    return packet;
  }

  encrypt(packet: Buffer): void {
    const payloadLength = packet.readUInt32BE(0) - 1 - (packet[4] ?? 0);
    this.#onWrite(packet.subarray(0, this.seal(packet, payloadLength)));
  }

  free(): void {
    this.#freed = true;
    this.#codec.free();
  }

  #padding(payloadLength: number): number {
    const { block, lengthCounts } = this.#codec;
    const counted = (lengthCounts ? PAYLOAD_OFFSET : 1) + payloadLength;
    const padding = block - (counted % block);
    return padding < MIN_PADDING ? padding + block : padding;
  }
}

/** Called by the library when new keys take effect. */
export const createSealer = (keys: OutboundKeys): PacketSealer => new PacketSealer(keys);
