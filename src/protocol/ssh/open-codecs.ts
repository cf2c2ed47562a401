/** Removing the protection of received packets, one function pair per cipher family. */

import { createDecipheriv, createHmac, timingSafeEqual } from 'node:crypto';
import { incrementIv } from './gcm-iv.js';
import type { InboundKeys } from './library.js';
import { native } from './native.js';

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

const plainLength = (head: Buffer): number => head.readUInt32BE(0);

const nothingToFree = (): void => undefined;

const gcm = (keys: InboundKeys): OpenCodec => {
  const frame = { tagBytes: 16, uncounted: 0, block: 16, length: plainLength };
  const name = keys.decipherInfo.sslName;
  if (native !== null) {
    const cipher = new native.AESGCMDecipher(name, keys.decipherKey, keys.decipherIV);
    return {
      ...frame,
      open(_head, body, tag) {
        cipher.decrypt(body, body.length, tag);
        return body;
      },
      free: () => cipher.free(),
    };
  }
  const iv = Buffer.from(keys.decipherIV);
  return {
    ...frame,
    open(head, body, tag) {
      const cipher = createDecipheriv(name as 'aes-128-gcm', keys.decipherKey, iv);
      cipher.setAAD(head).setAuthTag(tag);
      const plain = cipher.update(body);
      cipher.final();
      incrementIv(iv);
      return plain;
    },
    free: nothingToFree,
  };
};

const chaCha = (keys: InboundKeys): OpenCodec => {
  if (native === null) throw new Error('chacha20-poly1305 needs the native addon');
  const cipher = new native.ChaChaPolyDecipher(keys.decipherKey);
  return {
    tagBytes: 16,
    uncounted: 0,
    block: 8,
    // Leaves `head` as it was; the tag covers the encrypted length.
    length: (head, seqno) => cipher.decryptLen(head, seqno),
    open(_head, body, tag, seqno) {
      cipher.decrypt(body, tag, seqno);
      return body;
    },
    free: () => cipher.free(),
  };
};

const counterMode = (keys: InboundKeys): OpenCodec => {
  const { decipherInfo, macInfo, macKey } = keys;
  if (macInfo === undefined || macKey === undefined) throw new Error('MAC missing');
  const frame = {
    tagBytes: macInfo.actualLen,
    uncounted: macInfo.isETM ? 0 : 4,
    block: decipherInfo.blockLen,
  };
  if (native !== null) {
    const cipher = new native.GenericDecipher(
      decipherInfo.sslName,
      keys.decipherKey,
      keys.decipherIV,
      macInfo.sslName,
      macKey,
      macInfo.isETM,
      macInfo.actualLen,
    );
    return {
      ...frame,
      length(head) {
        if (!macInfo.isETM) cipher.decryptBlock(head);
        return head.readUInt32BE(0);
      },
      open(head, body, tag, seqno) {
        cipher.decrypt(body, seqno, head, tag);
        return body;
      },
      free: () => cipher.free(),
    };
  }
  const cipher = createDecipheriv(decipherInfo.sslName, keys.decipherKey, keys.decipherIV);
  const sequence = Buffer.alloc(4);
  return {
    ...frame,
    length(head) {
      if (!macInfo.isETM) cipher.update(head).copy(head);
      return head.readUInt32BE(0);
    },
    open(head, body, tag, seqno) {
      const plain = macInfo.isETM ? body : cipher.update(body);
      sequence.writeUInt32BE(seqno);
      const mac = createHmac(macInfo.sslName, macKey).update(sequence).update(head).update(plain).digest();
      if (!timingSafeEqual(mac.subarray(0, macInfo.actualLen), tag)) throw new Error('Invalid MAC');
      return macInfo.isETM ? cipher.update(body) : plain;
    },
    free: nothingToFree,
  };
};

/** The codec for the negotiated cipher with fresh keys. */
export const openCodec = (keys: InboundKeys): OpenCodec => {
  const name = keys.decipherInfo.sslName;
  if (name === 'aes-128-gcm' || name === 'aes-256-gcm') return gcm(keys);
  return name === 'chacha20' ? chaCha(keys) : counterMode(keys);
};
