/** Changes stored clients and tells everybody: store first, then the own index, then the other threads. */

import type { Happening } from '../events/event.js';
import type { Events } from '../events/events.js';
import type { ClientId } from '../ids.js';
import type { Store } from '../store/store.js';
import type { Clock, Instant, Milliseconds, Timer } from '../time.js';
import type { ClientIndex, ClientRecords } from './read-model.js';
import type { ClientChange, ClientRecord } from './record.js';

/** Heartbeats of this time travel to the other threads in one message. */
const HEARTBEAT_INTERVAL: Milliseconds = 1000;

export interface ClientRecordsOptions {
  readonly store: Pick<Store, 'clients'>;
  readonly index: Pick<ClientIndex, 'apply' | 'get'>;
  /** Sends to all other threads, on `CLIENTS_TOPIC`. */
  readonly publish: (change: ClientChange) => void;
  readonly clock: Clock;
  /** Absent: nobody is told what happens to clients. */
  readonly events?: Events;
}

export interface StoppableClientRecords extends ClientRecords {
  /** Announces the last heartbeats and stops the timer. Nothing can be changed any more. */
  stop(): void;
}

/** This thread ends, and could not tell anybody of a change any more: main makes those that matter. */
export class RecordsStopped extends Error {
  constructor() {
    super('the thread ends');
    this.name = 'RecordsStopped';
  }
}

export function createClientRecords(options: ClientRecordsOptions): StoppableClientRecords {
  const { store, index, publish, clock, events } = options;
  let beats = new Map<ClientId, Instant>();
  let timer: Timer | undefined;
  let stopped = false;

  const announce = (change: ClientChange): void => {
    index.apply(change);
    publish(change);
  };

  /** `write` has just been begun: what is recorded in the same turn is committed with it. */
  const withEvents = async (
    write: Promise<void>,
    record: ClientRecord,
    happenings: readonly Happening[],
    done: () => void,
  ): Promise<void> => {
    const recorded = happenings.length === 0 ? undefined : events?.record(record, happenings);
    await Promise.all([write, recorded?.committed]);
    done();
    recorded?.tell();
  };

  const publishBeats = (): void => {
    timer = undefined;
    if (beats.size === 0) return;
    publish({ type: 'heartbeats', beats: [...beats] });
    beats = new Map();
  };

  return {
    get: (id) => index.get(id),

    async save(record, happenings = []) {
      if (stopped) throw new RecordsStopped();
      const done = (): void => announce({ type: 'saved', record });
      await withEvents(store.clients.put(record), record, happenings, done);
    },

    async remove(id, last) {
      if (stopped) throw new RecordsStopped();
      const write = store.clients.remove(id);
      const done = (): void => {
        beats.delete(id);
        announce({ type: 'removed', id });
      };
      if (last !== undefined) return withEvents(write, last.record, last.happenings, done);
      await write;
      done();
    },

    heartbeat(id, at) {
      index.apply({ type: 'heartbeats', beats: [[id, at]] });
      beats.set(id, at);
      timer ??= clock.after(HEARTBEAT_INTERVAL, publishBeats);
    },

    stop() {
      stopped = true;
      timer?.cancel();
      publishBeats();
    },
  };
}
