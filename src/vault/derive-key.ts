/** From a password to a key. Passwords themselves are not kept. */

import { createHash } from 'node:crypto';
import argon2 from 'argon2';
import type { VaultKey } from './seal.js';
import type { KeyCost } from './status.js';

/** 64 MiB and three passes: the second choice of RFC 9106, with one lane; some 150 ms. */
export const DEFAULT_COST: KeyCost = { memoryKib: 64 * 1024, passes: 3, lanes: 1 };
const KEY_BYTES = 32;

/** Works in a thread of the library: the event loop goes on, and the key is in the memory of this process alone. */
export async function deriveKey(password: string, salt: Buffer, cost: KeyCost): Promise<VaultKey> {
  const plain = Buffer.from(password, 'utf8');
  try {
    return await argon2.hash(plain, {
      type: argon2.argon2id,
      raw: true,
      salt,
      hashLength: KEY_BYTES,
      memoryCost: cost.memoryKib,
      timeCost: cost.passes,
      parallelism: cost.lanes,
    });
  } finally {
    plain.fill(0);
  }
}

/** As rportd does it: no salt, no iterations. For values of an imported vault only. Spec 03 §11.2. */
export const importedKey = (password: string): VaultKey =>
  createHash('sha256').update(password, 'utf8').digest();
