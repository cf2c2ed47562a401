/** Changes stored clients and tells everybody: store first, then the own index, then the other threads. */

import type { ClientId } from '../ids.js';
import type { Store } from '../store/types.js';
import type { Clock, Instant, Milliseconds, Timer } from '../time.js';
import type { ClientIndex, ClientRecords } from './read-model.js';
import type { ClientChange } from './record.js';

/** Heartbeats of this time travel to the other threads in one message. */
const HEARTBEAT_INTERVAL: Milliseconds = 1000;

export interface ClientRecordsOptions {
  readonly store: Pick<Store, 'clients'>;
  readonly index: Pick<ClientIndex, 'apply' | 'get'>;
  /** Sends to all other threads, on `CLIENTS_TOPIC`. */
  readonly publish: (change: ClientChange) => void;
  readonly clock: Clock;
}

export interface StoppableClientRecords extends ClientRecords {
  /** Announces the last heartbeats and stops the timer. */
  stop(): void;
}

export function createClientRecords(options: ClientRecordsOptions): StoppableClientRecords {
  const { store, index, publish, clock } = options;
  let beats = new Map<ClientId, Instant>();
  let timer: Timer | undefined;

  const announce = (change: ClientChange): void => {
    index.apply(change);
    publish(change);
  };

  const publishBeats = (): void => {
    timer = undefined;
    if (beats.size === 0) return;
    publish({ type: 'heartbeats', beats: [...beats] });
    beats = new Map();
  };

  return {
    get: (id) => index.get(id),

    async save(record) {
      await store.clients.put(record);
      announce({ type: 'saved', record });
    },

    async remove(id) {
      await store.clients.remove(id);
      beats.delete(id);
      announce({ type: 'removed', id });
    },

    heartbeat(id, at) {
      index.apply({ type: 'heartbeats', beats: [[id, at]] });
      beats.set(id, at);
      timer ??= clock.after(HEARTBEAT_INTERVAL, publishBeats);
    },

    stop() {
      timer?.cancel();
      publishBeats();
    },
  };
}
