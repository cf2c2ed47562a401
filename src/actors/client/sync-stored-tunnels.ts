/** Telling a client's actor that its stored tunnels have changed. */

import type { ClientId } from '../../ids.js';
import type { Milliseconds } from '../../time.js';
import type { ActorSystem } from '../runtime/types.js';
import { askClient } from './messages.js';

/** An agent that takes longer to say whether it allows a target keeps nobody waiting; it goes on by itself. */
const SYNC_TIMEOUT: Milliseconds = 5_000;

/**
 * Resolves when the tunnels are as the store wants them, as far as that is possible, or after five seconds. Never
 * rejects: a client that is not connected, or is connecting, opens them when it connects.
 */
export async function syncStoredTunnels(system: ActorSystem, id: ClientId): Promise<void> {
  try {
    await askClient(system, id, { type: 'stored-tunnels-changed' }, SYNC_TIMEOUT);
  } catch {
    // The change itself is stored.
  }
}
