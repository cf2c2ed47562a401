/** When a connected client's stored tunnels are opened and closed: at connect, after each change, and again later. */

import { AppError } from '../../errors.js';
import type { Milliseconds } from '../../time.js';
import { refuse } from '../ask.js';
import type { Sender, Timer } from '../runtime/types.js';
import { tunnelRecords } from '../tunnel/list.js';
import {
  newStoredTunnelList,
  type StoredTunnelList,
  type StoredTunnelsSynced,
  syncStoredTunnels,
} from '../tunnel/stored.js';
import { changeRecord } from './save-record.js';
import type { ClientContext, ClientState, Outcome } from './state.js';

/** Another program may hold the port for a moment, or for long: 5 s, doubled each time, up to five minutes. */
const FIRST_RETRY: Milliseconds = 5_000;
const LONGEST_RETRY: Milliseconds = 300_000;

export interface StoredSync {
  readonly list: StoredTunnelList;
  running: boolean;
  /** Something has changed since the run began. */
  again: boolean;
  /** Told when the store's present state has been tried. */
  waiting: Sender[];
  retry: Timer | null;
  retryAfter: Milliseconds;
}

export const newStoredSync = (): StoredSync => ({
  list: newStoredTunnelList(),
  running: false,
  again: false,
  waiting: [],
  retry: null,
  retryAfter: FIRST_RETRY,
});

/** The connection stands. Costs a look into memory for clients without such tunnels. */
export function openStoredTunnels(ctx: ClientContext, state: ClientState): void {
  if (state.deps.storedTunnels.autoOpen(state.id).length > 0) run(ctx, state);
}

/** Somebody has changed them. Replied when the change has been tried, and what it did to the tunnels is on disk. */
export function storedTunnelsChanged(ctx: ClientContext, state: ClientState, sender: Sender): void {
  state.stored.waiting.push(sender);
  state.stored.retryAfter = FIRST_RETRY;
  run(ctx, state);
}

/** What could not be opened is tried once more. */
export function retryStoredTunnels(ctx: ClientContext, state: ClientState): void {
  run(ctx, state);
}

export function storedTunnelsSynced(
  ctx: ClientContext,
  state: ClientState,
  outcome: Outcome<StoredTunnelsSynced>,
): void {
  const { stored, deps } = state;
  stored.running = false;
  if (!outcome.ok) deps.log.error(`client ${state.id}: stored tunnels: ${outcome.error.message}`);
  if (!outcome.ok || outcome.value.failed) {
    stored.retry = ctx.schedule(stored.retryAfter, { type: 'retry-stored-tunnels' });
    stored.retryAfter = Math.min(stored.retryAfter * 2, LONGEST_RETRY);
  } else {
    stored.retryAfter = FIRST_RETRY;
  }
  if (stored.again) {
    if (!outcome.ok || outcome.value.changed) changeRecord(ctx, state, tunnels(state));
    run(ctx, state);
    return;
  }
  const done = stored.waiting;
  stored.waiting = [];
  if (outcome.ok && !outcome.value.changed) {
    for (const sender of done) sender.reply(null);
    return;
  }
  changeRecord(ctx, state, tunnels(state), (error) => {
    for (const sender of done) {
      if (error === null) sender.reply(null);
      else refuse(sender, new AppError('internal', { title: `failed to save client: ${error.message}` }));
    }
  });
}

function run(ctx: ClientContext, state: ClientState): void {
  const { stored, deps, connection } = state;
  if (stored.running) {
    stored.again = true;
    return;
  }
  stored.running = true;
  stored.again = false;
  stored.retry?.cancel();
  stored.retry = null;
  const wanted = deps.storedTunnels.autoOpen(state.id);
  const sync = syncStoredTunnels(ctx, deps.tunnels, state.tunnels, stored.list, connection.session, wanted);
  ctx.pipeToSelf(sync, (outcome) => ({ type: 'stored-tunnels-synced', outcome }));
}

const tunnels = (state: ClientState) => ({ tunnels: tunnelRecords(state.tunnels) });
