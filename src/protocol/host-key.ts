/** The server's SSH identity, derived from `key_seed` bit for bit as the reference does it. Spec 01 §4.2. */

import { createECDH, createHash, createPrivateKey, randomBytes, sign } from 'node:crypto';
import { packet } from './ssh/wire.js';

const KEY_TYPE = 'ecdsa-sha2-nistp256';

/** Rounds that spread the seed before the first output block. */
const WARM_UP_ROUNDS = 2048;

/** 256 bits and 64 more, so that the reduction below is not biased. */
const SCALAR_SOURCE_BYTES = 40;

/** Order of the P-256 group. */
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

export interface HostKey {
  readonly type: typeof KEY_TYPE;
  /** Public key in SSH wire form. */
  readonly publicBlob: Buffer;
  /** MD5 of `publicBlob`: 16 lower-case hex bytes joined by `:`. Agents pin it. */
  readonly fingerprint: string;
  /** Signature blob over `data` as SSH carries it: `mpint r`, `mpint s`. */
  sign(data: Buffer): Buffer;
}

const sha512 = (bytes: Buffer): Buffer => createHash('sha512').update(bytes).digest();

/** The 40 bytes that the private scalar is made of. */
export const expandSeed = (seed: Buffer): Buffer => {
  let state = seed;
  for (let round = 0; round < WARM_UP_ROUNDS; round += 1) state = sha512(state).subarray(0, 32);
  const first = sha512(state);
  const second = sha512(first.subarray(0, 32));
  return Buffer.concat([first.subarray(32), second.subarray(32)], SCALAR_SOURCE_BYTES);
};

/** Private scalar, 32 bytes big-endian with leading zeros. */
export const scalarOf = (seed: string): Buffer => {
  const source = BigInt(`0x${expandSeed(Buffer.from(seed, 'utf8')).toString('hex')}`);
  const scalar = (source % (ORDER - 1n)) + 1n;
  return Buffer.from(scalar.toString(16).padStart(64, '0'), 'hex');
};

const mpint = (bytes: Buffer): Buffer => {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start += 1;
  const digits = bytes.subarray(start);
  return (digits[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), digits]) : digits;
};

/** `AA:BB…` of an SSH public key, lower-case. */
export const fingerprintOf = (publicBlob: Buffer): string =>
  createHash('md5')
    .update(publicBlob)
    .digest('hex')
    .replace(/..(?!$)/g, '$&:');

/**
 * Makes the host key. An empty seed gives a fresh random key; a server with several threads must then make
 * one random seed and hand it to all of them.
 */
export const createHostKey = (seed: string): HostKey => {
  const scalar = scalarOf(seed === '' ? randomBytes(32).toString('hex') : seed);
  const curve = createECDH('prime256v1');
  curve.setPrivateKey(scalar);
  const point = curve.getPublicKey();
  const privateKey = createPrivateKey({
    format: 'jwk',
    key: {
      kty: 'EC',
      crv: 'P-256',
      d: scalar.toString('base64url'),
      x: point.subarray(1, 33).toString('base64url'),
      y: point.subarray(33).toString('base64url'),
    },
  });
  // A packet without its message number is a plain row of SSH strings.
  const publicBlob = packet(0, [KEY_TYPE, 'nistp256', point]).subarray(1);
  return {
    type: KEY_TYPE,
    publicBlob,
    fingerprint: fingerprintOf(publicBlob),
    sign(data) {
      const signature = sign('sha256', data, { key: privateKey, dsaEncoding: 'ieee-p1363' });
      const r = mpint(signature.subarray(0, 32));
      const s = mpint(signature.subarray(32));
      return packet(0, [r, s]).subarray(1);
    },
  };
};
