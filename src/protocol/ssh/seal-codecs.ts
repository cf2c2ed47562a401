/** Protecting packets before they are sent, one function per cipher family. */

import { createCipheriv, createHmac } from 'node:crypto';
import { incrementIv } from './gcm-iv.js';
import type { OutboundKeys } from './library.js';
import { native } from './native.js';

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

const nothingToFree = (): void => undefined;

const gcm = (keys: OutboundKeys): SealCodec => {
  const frame = { roomBytes: 16, tagBytes: 16, block: 16, lengthCounts: false };
  const name = keys.cipherInfo.sslName;
  if (native !== null) {
    const cipher = new native.AESGCMCipher(name, keys.cipherKey, keys.cipherIV);
    return { ...frame, seal: (packet) => cipher.encrypt(packet), free: () => cipher.free() };
  }
  const iv = Buffer.from(keys.cipherIV);
  return {
    ...frame,
    seal(packet) {
      const end = packet.length - 16;
      const cipher = createCipheriv(name as 'aes-128-gcm', keys.cipherKey, iv);
      cipher.setAAD(packet.subarray(0, HEAD_BYTES));
      packet.set(cipher.update(packet.subarray(HEAD_BYTES, end)), HEAD_BYTES);
      cipher.final();
      packet.set(cipher.getAuthTag(), end);
      incrementIv(iv);
    },
    free: nothingToFree,
  };
};

const chaCha = (keys: OutboundKeys): SealCodec => {
  if (native === null) throw new Error('chacha20-poly1305 needs the native addon');
  const cipher = new native.ChaChaPolyCipher(keys.cipherKey);
  return {
    roomBytes: 16,
    tagBytes: 16,
    block: 8,
    lengthCounts: false,
    seal: (packet, seqno) => cipher.encrypt(packet, seqno),
    free: () => cipher.free(),
  };
};

const counterMode = (keys: OutboundKeys): SealCodec => {
  const { cipherInfo, macInfo, macKey } = keys;
  if (macInfo === undefined || macKey === undefined) throw new Error('MAC missing');
  const frame = {
    roomBytes: macInfo.len,
    tagBytes: macInfo.actualLen,
    block: cipherInfo.blockLen,
    lengthCounts: !macInfo.isETM,
  };
  if (native !== null) {
    const cipher = new native.GenericCipher(
      cipherInfo.sslName,
      keys.cipherKey,
      keys.cipherIV,
      macInfo.sslName,
      macKey,
      macInfo.isETM,
    );
    return {
      ...frame,
      seal: (packet, seqno) => cipher.encrypt(packet, seqno),
      free: () => cipher.free(),
    };
  }
  const cipher = createCipheriv(cipherInfo.sslName, keys.cipherKey, keys.cipherIV);
  const sequence = Buffer.alloc(4);
  return {
    ...frame,
    seal(packet, seqno) {
      const end = packet.length - macInfo.len;
      sequence.writeUInt32BE(seqno);
      const mac = createHmac(macInfo.sslName, macKey).update(sequence);
      if (macInfo.isETM) {
        packet.set(cipher.update(packet.subarray(HEAD_BYTES, end)), HEAD_BYTES);
        mac.update(packet.subarray(0, end));
      } else {
        mac.update(packet.subarray(0, end));
        packet.set(cipher.update(packet.subarray(0, end)), 0);
      }
      packet.set(mac.digest(), end);
    },
    free: nothingToFree,
  };
};

/** The codec for the negotiated cipher with fresh keys. */
export const sealCodec = (keys: OutboundKeys): SealCodec => {
  const name = keys.cipherInfo.sslName;
  if (name === 'aes-128-gcm' || name === 'aes-256-gcm') return gcm(keys);
  return name === 'chacha20' ? chaCha(keys) : counterMode(keys);
};
