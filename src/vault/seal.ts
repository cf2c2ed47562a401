/**
 * The two forms of a sealed value. Both are AES-256-GCM with a random nonce; the first byte tells which one it is:
 *
 *     0x01 ‖ nonce (12) ‖ ciphertext ‖ tag (16)   of this server; bound to what it belongs to
 *     0x72 ‖ nonce (12) ‖ ciphertext ‖ tag (16)   as rportd has it, imported (spec 03 §11.2)
 */

import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { VaultTexts } from './entry.js';

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const CURRENT = 0x01;
const IMPORTED = 0x72;

/** Bytes by which a sealed value is longer than the value. */
export const SEAL_BYTES = 1 + NONCE_BYTES + TAG_BYTES;

/** Derived from a password. Filled with zeros when the vault is locked. */
export type VaultKey = Buffer;

/** It was sealed with another key, for another place, or has been changed; or it is no sealed value at all. */
export class UnsealError extends Error {
  override readonly name = 'UnsealError';
}

/**
 * What a sealed value is bound to: it opens only as the value of this id, client, group, key and type, so that whoever
 * can write to the store cannot swap values or open one to another group.
 */
export const placeOf = (id: number, { clientId, requiredGroup, key, type }: VaultTexts): string =>
  JSON.stringify(['tideway-1', id, clientId, requiredGroup, key, type]);

export function seal(key: VaultKey, place: string, value: string): Buffer {
  const plain = Buffer.from(value, 'utf8');
  try {
    return sealBytes(key, place, plain);
  } finally {
    plain.fill(0);
  }
}

export function sealBytes(key: VaultKey, place: string, plain: Buffer): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce).setAAD(Buffer.from(place, 'utf8'));
  const body = [cipher.update(plain), cipher.final()];
  return Buffer.concat([Buffer.of(CURRENT), nonce, ...body, cipher.getAuthTag()]);
}

/** Throws `UnsealError`. */
export function open(key: VaultKey, place: string, sealed: Buffer): string {
  if (sealed[0] !== CURRENT) throw new UnsealError('the value is not in the format of this vault');
  return openText(key, Buffer.from(place, 'utf8'), sealed);
}

/** A value in the format of rportd. Throws `UnsealError`. */
export function openImported(key: VaultKey, sealed: Buffer): string {
  if (sealed[0] !== IMPORTED) throw new UnsealError('the value is not in the format of rportd');
  return openText(key, null, sealed);
}

/** From the base64 text in rportd's database; whatever else it is will not open. */
export const importedSeal = (text: string): Buffer =>
  Buffer.concat([Buffer.of(IMPORTED), Buffer.from(text, 'base64')]);

function openText(key: VaultKey, place: Buffer | null, sealed: Buffer): string {
  if (sealed.length < SEAL_BYTES) throw new UnsealError('the value is too short');
  const nonce = sealed.subarray(1, 1 + NONCE_BYTES);
  const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  if (place !== null) decipher.setAAD(place);
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
  const plain = decipher.update(sealed.subarray(1 + NONCE_BYTES, -TAG_BYTES));
  try {
    decipher.final();
    return plain.toString('utf8');
  } catch (error) {
    throw new UnsealError('the value was sealed with another key or has been changed', { cause: error });
  } finally {
    plain.fill(0);
  }
}
