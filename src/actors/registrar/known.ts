/** What the registrar knows of one client. */

import type { ClientRecord } from '../../clients/record.js';
import type { ClientId } from '../../ids.js';
import type { Milliseconds } from '../../time.js';
import type { Sender } from '../runtime/types.js';
import type { RegistrarMessage } from './messages.js';

export type Claim = Extract<RegistrarMessage, { type: 'claim' }>;

export interface Holder extends Omit<Claim, 'type' | 'id' | 'loggedInAt'> {
  /** Has stored its record. */
  connected: boolean;
}

export interface Waiting {
  readonly claim: Claim;
  readonly sender: Sender;
}

export interface Known {
  readonly id: ClientId;
  /** Of the stored record; `null`: there is none. `disconnectedAt` null: it says connected. */
  stored: {
    readonly authId: string;
    readonly name: string;
    readonly disconnectedAt: Milliseconds | null;
  } | null;
  /** The connection that owns the client. */
  holder: Holder | null;
  /** Record of a connection that was taken over, for the one that takes over. */
  takenOver: ClientRecord | null;
  lastTunnelId: number;
  /** The record is being changed, or an old connection ended: claims wait. */
  busy: boolean;
  /** Claims in the order they came; `null` when none, which is nearly always. */
  waiting: Waiting[] | null;
}

export const unknown = (id: ClientId): Known => ({
  id,
  stored: null,
  holder: null,
  takenOver: null,
  lastTunnelId: 0,
  busy: false,
  waiting: null,
});

export function storedOf(record: ClientRecord): NonNullable<Known['stored']> {
  return {
    authId: record.clientAuthId,
    name: record.name,
    disconnectedAt: record.disconnectedAt === null ? null : Date.parse(record.disconnectedAt),
  };
}

/** Highest tunnel id in a record: all that is left of the counter when a shard has died. */
export function highestTunnelId(record: ClientRecord): number {
  let highest = 0;
  for (const { id } of record.tunnels) {
    const number = Number(id);
    if (Number.isSafeInteger(number) && number > highest) highest = number;
  }
  return highest;
}
