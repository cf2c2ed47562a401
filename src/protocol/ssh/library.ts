/**
 * The one place that reaches into the `ssh2` package (pinned exactly; the tests of this folder fail when an
 * upgrade moves one of these parts). Only its key exchange is used: identification lines, packet protection,
 * authentication, requests and channels are ours, because agents need them different (spec 01 §17).
 */

import { createRequire } from 'node:module';
import { createOpener, type PacketOpener } from './open-packets.js';
import { createSealer } from './seal-packets.js';

/** Names and sizes of one cipher, as the library's table has them. */
export interface CipherInfo {
  readonly sslName: string;
  readonly blockLen: number;
  readonly keyLen: number;
  readonly ivLen: number;
  /** Length of the cipher's own tag; 0: a MAC is negotiated. */
  readonly authLen: number;
}

export interface MacInfo {
  readonly sslName: string;
  /** Key and digest length. */
  readonly len: number;
  /** Digest bytes on the wire. */
  readonly actualLen: number;
  readonly isETM: boolean;
}

/** What a connection and its packet readers know of each other; an object of its own, because it is asked per packet. */
export class Inbound {
  /** Largest packet accepted at the moment, bytes. */
  packetLimit: number;
  /** The chunk being read is valid only during the call: packets must be copied out of it. */
  transient = false;
  /** Reads the packets at present; `null` before the first keys. */
  reader: PacketOpener | null = null;

  constructor(packetLimit: number) {
    this.packetLimit = packetLimit;
  }
}

/** Takes payloads outside of a key exchange; one function object per connection, kept over re-keying. */
export interface PayloadSink {
  /** A return value other than `undefined` stops the reading of the current chunk. */
  (payload: Buffer): unknown;
  readonly inbound: Inbound;
}

/** What the library passes when new keys take effect for packets we receive. */
export interface InboundKeys {
  readonly onPayload: PayloadSink;
  readonly seqno: number;
  readonly decipherInfo: CipherInfo;
  readonly decipherIV: Buffer;
  readonly decipherKey: Buffer;
  readonly macInfo?: MacInfo;
  readonly macKey?: Buffer;
}

/** What the library passes when new keys take effect for packets we send. */
export interface OutboundKeys {
  readonly onWrite: (packet: Uint8Array) => void;
  readonly seqno: number;
  readonly cipherInfo: CipherInfo;
  readonly cipherIV: Buffer;
  readonly cipherKey: Buffer;
  readonly macInfo?: MacInfo;
  readonly macKey?: Buffer;
}

/** The side of a packet reader that the library touches. */
export interface LibraryDecipher {
  /** The library sets it to 0 under strict key exchange. */
  inSeqno: number;
  /** Replaced by the library while a key exchange runs. */
  _onPayload: (payload: Buffer) => unknown;
  /** Returns where to go on; `undefined` when all of `data` is used up. */
  decrypt(data: Buffer, from: number, to: number): number | undefined;
  free(): void;
}

/** The side of a packet writer that the library touches. */
export interface LibraryCipher {
  outSeqno: number;
  /** A packet with its payload area at offset 5. */
  allocPacket(payloadLength: number): Buffer;
  encrypt(packet: Buffer): void;
  free(): void;
}

export interface Negotiated {
  readonly kex: string;
  readonly serverHostKey: string;
  readonly cs: { readonly cipher: string; readonly mac: string };
  readonly sc: { readonly cipher: string; readonly mac: string };
}

export interface OfferedDirection {
  readonly cipher: readonly string[];
  readonly mac: readonly string[];
  readonly compress: readonly string[];
  readonly lang: readonly string[];
}

export interface Offer {
  readonly kex: readonly string[];
  readonly serverHostKey: readonly string[];
  readonly cs: OfferedDirection;
  readonly sc: OfferedDirection;
}

/** Host key as the library's key exchange calls it. */
export interface LibraryHostKey {
  readonly type: string;
  getPublicSSH(): Buffer;
  /** Signature blob in SSH form, or DER. */
  sign(data: Buffer): Buffer;
}

export interface LibraryConfig {
  readonly server: boolean;
  readonly hostKeys?: Readonly<Record<string, LibraryHostKey>>;
  readonly hostVerifier?: (publicKey: Buffer) => boolean;
  readonly offer: object;
  readonly onWrite: (packet: Uint8Array) => void;
  readonly onError: (error: Error) => void;
  readonly onHeader: () => void;
  readonly onHandshakeComplete: (negotiated: Negotiated) => void;
  readonly messageHandlers: object;
}

export interface LibraryProtocol {
  _identRaw: Buffer;
  _remoteIdentRaw: Buffer;
  _cipher: LibraryCipher;
  _decipher: LibraryDecipher | undefined;
  /** Our KEXINIT while a key exchange runs. */
  readonly _kexinit: Buffer | undefined;
  _strictMode: boolean | undefined;
  /** Dispatches a payload outside of a key exchange. */
  _onPayload: PayloadSink;
  parse(chunk: Buffer, from: number, to: number): void;
  rekey(): void;
  cleanup(): void;
}

interface CryptoModule {
  readonly CIPHER_INFO: Readonly<Record<string, CipherInfo>>;
  readonly MAC_INFO: Readonly<Record<string, MacInfo>>;
  createCipher: (config: { readonly outbound: OutboundKeys }) => LibraryCipher;
  createDecipher: (config: { readonly inbound: InboundKeys }) => LibraryDecipher;
}

interface KexModule {
  readonly KexInit: new (offer: Offer) => object;
}

const load = createRequire(import.meta.url);

// `kex.js` copies these two functions out of `crypto.js` when it is loaded first, so they are replaced before.
const libraryCrypto = load('ssh2/lib/protocol/crypto.js') as CryptoModule;
libraryCrypto.createCipher = ({ outbound }) => createSealer(outbound);
libraryCrypto.createDecipher = ({ inbound }) => createOpener(inbound);

export const { KexInit } = load('ssh2/lib/protocol/kex.js') as KexModule;

export const Protocol = load('ssh2/lib/protocol/Protocol.js') as new (
  config: LibraryConfig,
) => LibraryProtocol;

/** Version of the package, for the log and for the test that pins it. */
export const libraryVersion = (load('ssh2/package.json') as { readonly version: string }).version;
