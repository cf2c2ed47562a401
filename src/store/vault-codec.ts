/** Rows of the vault that are kept in clear. */

import { createHash } from 'node:crypto';
import { JsonFields } from '../json-fields.js';
import type { VaultEntry } from '../vault/entry.js';
import type { KeyCost, VaultStatus } from '../vault/status.js';
import { rowFields } from './row-fields.js';

/** Bounds of a cost that is believed: a changed row must not fill the memory when a password is tried. */
const MOST_MEMORY_KIB = 1024 * 1024;
const MOST_PASSES = 100;
const MOST_LANES = 64;

/** Client ids and keys are any texts, longer than a key of the store may be. */
export const uniqueKey = ({ clientId, key }: Pick<VaultEntry, 'clientId' | 'key'>): string =>
  createHash('sha256')
    .update(JSON.stringify([clientId, key]))
    .digest('base64');

export const encodeEntry = (entry: VaultEntry): string => JSON.stringify(entry);

/** `undefined` when it cannot be read. */
export function decodeEntry(id: number, text: string): VaultEntry | undefined {
  const fields = rowFields(text);
  const entry: VaultEntry = {
    id: fields.integer('id'),
    clientId: fields.text('clientId'),
    requiredGroup: fields.text('requiredGroup'),
    key: fields.text('key'),
    type: fields.text('type'),
    createdAt: fields.text('createdAt'),
    createdBy: fields.text('createdBy'),
    updatedAt: fields.text('updatedAt'),
    updatedBy: fields.textOrNull('updatedBy'),
  };
  // A group that is not there would open the value to everybody.
  return fields.fits && fields.raw('requiredGroup') !== undefined && entry.id === id ? entry : undefined;
}

export const encodeStatus = (status: VaultStatus): string => JSON.stringify(status);

/** `undefined` when it cannot be read. */
export function decodeStatus(text: string): VaultStatus | undefined {
  const fields = rowFields(text);
  const format = fields.text('format');
  const check = fields.text('check');
  if (format === 'rportd') return fields.fits ? { format, check } : undefined;
  const salt = fields.text('salt');
  const cost = fields.object('cost', decodeCost);
  if (!fields.fits || format !== 'tideway-1' || salt === '' || cost === null) return undefined;
  return { format, salt, cost, check };
}

function decodeCost(value: unknown): KeyCost | undefined {
  const fields = new JsonFields(value);
  const cost: KeyCost = {
    memoryKib: fields.integer('memoryKib'),
    passes: fields.integer('passes'),
    lanes: fields.integer('lanes'),
  };
  const within = (found: number, most: number): boolean => found >= 1 && found <= most;
  const fits =
    within(cost.memoryKib, MOST_MEMORY_KIB) &&
    within(cost.passes, MOST_PASSES) &&
    within(cost.lanes, MOST_LANES);
  return fields.fits && fits ? cost : undefined;
}
