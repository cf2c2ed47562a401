/** Protecting packets before they are sent, one class per cipher family; why classes, see `open-codecs.ts`. */

import { createCipheriv, createHmac } from 'node:crypto';
import { incrementIv } from './gcm-iv.js';
import type { MacInfo, OutboundKeys } from './library.js';
import { type GcmSealer, native, type Sealer } from './native.js';

/** The cipher part of a packet writer. */
export interface SealCodec {
  /** Bytes that must be free behind the packet while it is sealed. */
  readonly roomBytes: number;
  /** Bytes of them that are sent. */
  readonly tagBytes: number;
  readonly block: number;
  /** Whether the length field counts when the packet is padded to a multiple of `block`. */
  readonly lengthCounts: boolean;
  /** Encrypts in place; `packet` is the length field, the rest and `roomBytes`. */
  seal(packet: Buffer, seqno: number): void;
  free(): void;
}

const HEAD_BYTES = 4;

class NativeGcm implements SealCodec {
  readonly roomBytes = 16;
  readonly tagBytes = 16;
  readonly block = 16;
  readonly lengthCounts = false;

  constructor(private readonly cipher: GcmSealer) {}

  seal(packet: Buffer): void {
    this.cipher.encrypt(packet);
  }

  free(): void {
    this.cipher.free();
  }
}

class PortableGcm implements SealCodec {
  readonly roomBytes = 16;
  readonly tagBytes = 16;
  readonly block = 16;
  readonly lengthCounts = false;
  readonly #iv: Buffer;

  constructor(private readonly keys: OutboundKeys) {
    this.#iv = Buffer.from(keys.cipherIV);
  }

  seal(packet: Buffer): void {
    const { cipherInfo, cipherKey } = this.keys;
    const end = packet.length - this.roomBytes;
    const cipher = createCipheriv(cipherInfo.sslName as 'aes-128-gcm', cipherKey, this.#iv);
    cipher.setAAD(packet.subarray(0, HEAD_BYTES));
    packet.set(cipher.update(packet.subarray(HEAD_BYTES, end)), HEAD_BYTES);
    cipher.final();
    packet.set(cipher.getAuthTag(), end);
    incrementIv(this.#iv);
  }

  free(): void {
    // Nothing to free.
  }
}

/** A cipher of the add-on that is told the number of each packet. */
class NativeNumbered implements SealCodec {
  readonly roomBytes: number;
  readonly tagBytes: number;
  readonly block: number;
  readonly lengthCounts: boolean;

  constructor(
    private readonly cipher: Sealer,
    { roomBytes, tagBytes, block, lengthCounts }: Omit<SealCodec, 'seal' | 'free'>,
  ) {
    this.roomBytes = roomBytes;
    this.tagBytes = tagBytes;
    this.block = block;
    this.lengthCounts = lengthCounts;
  }

  seal(packet: Buffer, seqno: number): void {
    this.cipher.encrypt(packet, seqno);
  }

  free(): void {
    this.cipher.free();
  }
}

class PortableCounterMode implements SealCodec {
  readonly roomBytes: number;
  readonly tagBytes: number;
  readonly block: number;
  readonly lengthCounts: boolean;
  readonly #cipher: ReturnType<typeof createCipheriv>;
  readonly #sequence = Buffer.alloc(4);

  constructor(
    { cipherInfo, cipherKey, cipherIV }: OutboundKeys,
    private readonly mac: MacInfo,
    private readonly macKey: Buffer,
  ) {
    this.roomBytes = mac.len;
    this.tagBytes = mac.actualLen;
    this.block = cipherInfo.blockLen;
    this.lengthCounts = !mac.isETM;
    this.#cipher = createCipheriv(cipherInfo.sslName, cipherKey, cipherIV);
  }

  seal(packet: Buffer, seqno: number): void {
    const end = packet.length - this.roomBytes;
    this.#sequence.writeUInt32BE(seqno);
    const mac = createHmac(this.mac.sslName, this.macKey).update(this.#sequence);
    if (this.mac.isETM) {
      packet.set(this.#cipher.update(packet.subarray(HEAD_BYTES, end)), HEAD_BYTES);
      mac.update(packet.subarray(0, end));
    } else {
      mac.update(packet.subarray(0, end));
      packet.set(this.#cipher.update(packet.subarray(0, end)), 0);
    }
    packet.set(mac.digest(), end);
  }

  free(): void {
    // Nothing to free.
  }
}

/** The codec for the negotiated cipher with fresh keys. */
export function sealCodec(keys: OutboundKeys): SealCodec {
  const { cipherInfo, cipherKey, cipherIV, macInfo, macKey } = keys;
  const name = cipherInfo.sslName;
  if (name === 'aes-128-gcm' || name === 'aes-256-gcm') {
    if (native === null) return new PortableGcm(keys);
    return new NativeGcm(new native.AESGCMCipher(name, cipherKey, cipherIV));
  }
  if (name === 'chacha20') {
    if (native === null) throw new Error('chacha20-poly1305 needs the native addon');
    return new NativeNumbered(new native.ChaChaPolyCipher(cipherKey), {
      roomBytes: 16,
      tagBytes: 16,
      block: 8,
      lengthCounts: false,
    });
  }
  if (macInfo === undefined || macKey === undefined) throw new Error('MAC missing');
  if (native === null) return new PortableCounterMode(keys, macInfo, macKey);
  const { sslName, isETM } = macInfo;
  const cipher = new native.GenericCipher(name, cipherKey, cipherIV, sslName, macKey, isETM);
  return new NativeNumbered(cipher, {
    roomBytes: macInfo.len,
    tagBytes: macInfo.actualLen,
    block: cipherInfo.blockLen,
    lengthCounts: !isETM,
  });
}
