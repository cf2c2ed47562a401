/** Codes of one moment. RFC 4226 and 6238. */

import { createHmac } from 'node:crypto';
import { createGuardrails, generateSync } from 'otplib';
import type { TotpKey } from './secret.js';

/** Stored keys are what they are: refusing a short one now would lock its user out. */
const guardrails = createGuardrails({ MIN_SECRET_BYTES: 1, MAX_SECRET_BYTES: 4096 });
const algorithms = { SHA1: 'sha1', SHA256: 'sha256', SHA512: 'sha512' } as const;

/** The code of a time step; `null` when there is none, which happens with MD5 only. */
export function totpCode({ secret, algorithm, digits }: TotpKey, step: number): string | null {
  const key = base32Bytes(secret);
  if (key.length === 0) return null;
  if (algorithm === 'MD5') return md5Code(key, digits, step);
  return generateSync({
    strategy: 'hotp',
    secret: key,
    counter: step,
    algorithm: algorithms[algorithm],
    digits,
    guardrails,
  });
}

/**
 * MD5 is outside the standard and of the library. Its digest has 16 bytes, the truncation may point at the last ones:
 * then four bytes are not left, and no app has a code for this step.
 */
function md5Code(key: Uint8Array, digits: number, step: number): string | null {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const digest = createHmac('md5', key).update(counter).digest();
  const offset = (digest.at(-1) ?? 0) & 0xf;
  if (offset + 4 > digest.length) return null;
  const number = digest.readUInt32BE(offset) & 0x7fff_ffff;
  return String(number % 10 ** digits).padStart(digits, '0');
}

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** Bits that fill no byte are dropped, as authenticator apps do. */
function base32Bytes(text: string): Uint8Array {
  const bytes: number[] = [];
  let value = 0;
  let bits = 0;
  for (const character of text.toUpperCase().replace(/=+$/, '')) {
    value = ((value << 5) | BASE32.indexOf(character)) & 0xfff;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push((value >> bits) & 0xff);
  }
  return Uint8Array.from(bytes);
}
