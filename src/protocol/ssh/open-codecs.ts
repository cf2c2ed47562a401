/**
 * Removing the protection of received packets, one class per cipher family. Classes, because every packet of every agent
 * passes through here: the closures of a literal would give each connection a shape of its own.
 */

import { createDecipheriv, createHmac, timingSafeEqual } from 'node:crypto';
import { incrementIv } from './gcm-iv.js';
import type { InboundKeys, MacInfo } from './library.js';
import { type ChaChaOpener, type GcmOpener, type GenericOpener, native } from './native.js';

/** The cipher part of a packet reader. */
export interface OpenCodec {
  /** Bytes after the packet that protect it. */
  readonly tagBytes: number;
  /** `packet_length` plus this must be a multiple of `block`. */
  readonly uncounted: number;
  readonly block: number;
  /** The packet length in the 4 byte `head`, which may be decrypted in place. */
  length(head: Buffer, seqno: number): number;
  /** Checks and decrypts `body` (all after the length field), if possible in place. Throws when forged. */
  open(head: Buffer, body: Buffer, tag: Buffer, seqno: number): Buffer;
  free(): void;
}

class NativeGcm implements OpenCodec {
  readonly tagBytes = 16;
  readonly uncounted = 0;
  readonly block = 16;

  constructor(private readonly cipher: GcmOpener) {}

  length(head: Buffer): number {
    return head.readUInt32BE(0);
  }

  open(_head: Buffer, body: Buffer, tag: Buffer): Buffer {
    this.cipher.decrypt(body, body.length, tag);
    return body;
  }

  free(): void {
    this.cipher.free();
  }
}

class PortableGcm implements OpenCodec {
  readonly tagBytes = 16;
  readonly uncounted = 0;
  readonly block = 16;
  readonly #iv: Buffer;

  constructor(private readonly keys: InboundKeys) {
    this.#iv = Buffer.from(keys.decipherIV);
  }

  length(head: Buffer): number {
    return head.readUInt32BE(0);
  }

  open(head: Buffer, body: Buffer, tag: Buffer): Buffer {
    const { decipherInfo, decipherKey } = this.keys;
    const cipher = createDecipheriv(decipherInfo.sslName as 'aes-128-gcm', decipherKey, this.#iv);
    cipher.setAAD(head).setAuthTag(tag);
    const plain = cipher.update(body);
    cipher.final();
    incrementIv(this.#iv);
    return plain;
  }

  free(): void {
    // Nothing to free.
  }
}

class ChaCha implements OpenCodec {
  readonly tagBytes = 16;
  readonly uncounted = 0;
  readonly block = 8;

  constructor(private readonly cipher: ChaChaOpener) {}

  /** Leaves `head` as it was; the tag covers the encrypted length. */
  length(head: Buffer, seqno: number): number {
    return this.cipher.decryptLen(head, seqno);
  }

  open(_head: Buffer, body: Buffer, tag: Buffer, seqno: number): Buffer {
    this.cipher.decrypt(body, tag, seqno);
    return body;
  }

  free(): void {
    this.cipher.free();
  }
}

class NativeCounterMode implements OpenCodec {
  readonly tagBytes: number;
  readonly uncounted: number;

  constructor(
    private readonly cipher: GenericOpener,
    readonly block: number,
    private readonly mac: MacInfo,
  ) {
    this.tagBytes = mac.actualLen;
    this.uncounted = mac.isETM ? 0 : 4;
  }

  length(head: Buffer): number {
    if (!this.mac.isETM) this.cipher.decryptBlock(head);
    return head.readUInt32BE(0);
  }

  open(head: Buffer, body: Buffer, tag: Buffer, seqno: number): Buffer {
    this.cipher.decrypt(body, seqno, head, tag);
    return body;
  }

  free(): void {
    this.cipher.free();
  }
}

class PortableCounterMode implements OpenCodec {
  readonly tagBytes: number;
  readonly uncounted: number;
  readonly block: number;
  readonly #cipher: ReturnType<typeof createDecipheriv>;
  readonly #sequence = Buffer.alloc(4);

  constructor(
    { decipherInfo, decipherKey, decipherIV }: InboundKeys,
    private readonly mac: MacInfo,
    private readonly macKey: Buffer,
  ) {
    this.tagBytes = mac.actualLen;
    this.uncounted = mac.isETM ? 0 : 4;
    this.block = decipherInfo.blockLen;
    this.#cipher = createDecipheriv(decipherInfo.sslName, decipherKey, decipherIV);
  }

  length(head: Buffer): number {
    if (!this.mac.isETM) this.#cipher.update(head).copy(head);
    return head.readUInt32BE(0);
  }

  open(head: Buffer, body: Buffer, tag: Buffer, seqno: number): Buffer {
    const { sslName, actualLen, isETM } = this.mac;
    const plain = isETM ? body : this.#cipher.update(body);
    this.#sequence.writeUInt32BE(seqno);
    const mac = createHmac(sslName, this.macKey).update(this.#sequence).update(head).update(plain).digest();
    if (!timingSafeEqual(mac.subarray(0, actualLen), tag)) throw new Error('Invalid MAC');
    return isETM ? this.#cipher.update(body) : plain;
  }

  free(): void {
    // Nothing to free.
  }
}

/** The codec for the negotiated cipher with fresh keys. */
export function openCodec(keys: InboundKeys): OpenCodec {
  const { decipherInfo, decipherKey, decipherIV, macInfo, macKey } = keys;
  const name = decipherInfo.sslName;
  if (name === 'aes-128-gcm' || name === 'aes-256-gcm') {
    if (native === null) return new PortableGcm(keys);
    return new NativeGcm(new native.AESGCMDecipher(name, decipherKey, decipherIV));
  }
  if (name === 'chacha20') {
    if (native === null) throw new Error('chacha20-poly1305 needs the native addon');
    return new ChaCha(new native.ChaChaPolyDecipher(decipherKey));
  }
  if (macInfo === undefined || macKey === undefined) throw new Error('MAC missing');
  if (native === null) return new PortableCounterMode(keys, macInfo, macKey);
  const { sslName, isETM, actualLen } = macInfo;
  const cipher = new native.GenericDecipher(name, decipherKey, decipherIV, sslName, macKey, isETM, actualLen);
  return new NativeCounterMode(cipher, decipherInfo.blockLen, macInfo);
}
