/** The compiled ciphers that come with `ssh2`: four to eight times faster than `node:crypto` packet by packet. */

import { createRequire } from 'node:module';

export interface GcmSealer {
  /** `packet` ends with room for the 16 byte tag. */
  encrypt(packet: Buffer): void;
  free(): void;
}
export interface Sealer {
  /** `packet` ends with room for the whole MAC. */
  encrypt(packet: Buffer, seqno: number): void;
  free(): void;
}
export interface GcmOpener {
  decrypt(packet: Buffer, length: number, tag: Buffer): void;
  free(): void;
}
export interface ChaChaOpener {
  decryptLen(head: Buffer, seqno: number): number;
  decrypt(packet: Buffer, tag: Buffer, seqno: number): void;
  free(): void;
}
export interface GenericOpener {
  decryptBlock(head: Buffer): void;
  decrypt(packet: Buffer, seqno: number, head: Buffer, mac: Buffer): void;
  free(): void;
}

interface NativeBinding {
  readonly AESGCMCipher: new (name: string, key: Buffer, iv: Buffer) => GcmSealer;
  readonly AESGCMDecipher: new (name: string, key: Buffer, iv: Buffer) => GcmOpener;
  readonly ChaChaPolyCipher: new (key: Buffer) => Sealer;
  readonly ChaChaPolyDecipher: new (key: Buffer) => ChaChaOpener;
  readonly GenericCipher: new (
    name: string,
    key: Buffer,
    iv: Buffer,
    mac: string,
    macKey: Buffer,
    etm: boolean,
  ) => Sealer;
  readonly GenericDecipher: new (
    name: string,
    key: Buffer,
    iv: Buffer,
    mac: string,
    macKey: Buffer,
    etm: boolean,
    macLength: number,
  ) => GenericOpener;
}

const loadNative = (): NativeBinding | null => {
  try {
    const load = createRequire(import.meta.url);
    return load('ssh2/lib/protocol/crypto/build/Release/sshcrypto.node') as NativeBinding;
  } catch {
    return null;
  }
};

/** `null` where the addon was not built; everything works then, only slower and without chacha20. */
export const native = loadNative();

/** For the start-up log and the metrics. */
export const isNativeCryptoLoaded = (): boolean => native !== null;
