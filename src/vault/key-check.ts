/** Making a vault for a password, and finding out whether a password is the right one. */

import { randomBytes } from 'node:crypto';
import { DEFAULT_COST, deriveKey, importedKey } from './derive-key.js';
import { importedSeal, open, openImported, sealBytes, UnsealError, type VaultKey } from './seal.js';
import type { CurrentVault, KeyCost, VaultStatus } from './status.js';

const SALT_BYTES = 16;
const CHECK_BYTES = 32;

export interface NewVault {
  readonly status: CurrentVault;
  readonly key: VaultKey;
}

/** A vault of this server's format with a salt of its own. */
export async function makeVault(password: string, cost: KeyCost = DEFAULT_COST): Promise<NewVault> {
  const salt = randomBytes(SALT_BYTES).toString('base64');
  const key = await deriveKey(password, Buffer.from(salt, 'base64'), cost);
  const check = sealBytes(key, checkPlace(salt, cost), randomBytes(CHECK_BYTES)).toString('base64');
  return { status: { format: 'tideway-1', salt, cost, check }, key };
}

/** The key of a vault, in its format; `null` when the password is wrong. */
export async function keyFor(status: VaultStatus, password: string): Promise<VaultKey | null> {
  if (status.format === 'rportd') {
    const key = importedKey(password);
    return opens(key, () => openImported(key, importedSeal(status.check)));
  }
  const key = await deriveKey(password, Buffer.from(status.salt, 'base64'), status.cost);
  const place = checkPlace(status.salt, status.cost);
  return opens(key, () => open(key, place, Buffer.from(status.check, 'base64')));
}

function opens(key: VaultKey, check: () => unknown): VaultKey | null {
  try {
    check();
    return key;
  } catch (error) {
    key.fill(0);
    if (error instanceof UnsealError) return null;
    throw error;
  }
}

const checkPlace = (salt: string, { memoryKib, passes, lanes }: KeyCost): string =>
  JSON.stringify(['tideway-1', 'check', salt, memoryKib, passes, lanes]);
