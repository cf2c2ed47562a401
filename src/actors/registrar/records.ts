/** Changes of stored clients that are not connected. */

import type { ClientRecords } from '../../clients/read-model.js';
import type { ClientRecord } from '../../clients/record.js';
import { endOfConnection } from '../../events/event.js';
import type { Events } from '../../events/events.js';
import type { ClientId } from '../../ids.js';
import type { Store } from '../../store/store.js';
import { instant, type Milliseconds } from '../../time.js';

interface Stored {
  readonly records: ClientRecords;
  readonly store: Pick<Store, 'clients' | 'measurements' | 'jobs' | 'flushed'>;
}

/** Records written before the next wait for a commit. */
const BATCH = 1000;

/**
 * Clients whose record says connected say disconnected since `at` afterwards, here and in all threads. Resolves
 * with the records there are.
 */
export async function markDisconnected(
  { records, store }: Stored,
  ids: readonly ClientId[],
  at: Milliseconds,
): Promise<Map<ClientId, ClientRecord>> {
  const found = new Map<ClientId, ClientRecord>();
  const writes: Promise<void>[] = [];
  for (const id of ids) {
    let record = store.clients.get(id);
    if (record === undefined) continue;
    if (record.disconnectedAt === null) {
      const happenings = endOfConnection(record, 'server_fault');
      record = { ...record, disconnectedAt: instant(at) };
      writes.push(records.save(record, happenings));
    }
    found.set(id, record);
  }
  await Promise.all(writes);
  return found;
}

/** Removes clients with all that is kept of them. Resolves when that is on disk. */
export async function removeClients({ records, store }: Stored, ids: readonly ClientId[]): Promise<void> {
  const remove = (id: ClientId): Promise<void> => {
    const record = store.clients.get(id);
    // One whose connection was ended for this: nobody has stored the end.
    if (record === undefined || record.disconnectedAt !== null) return records.remove(id);
    return records.remove(id, { record, happenings: endOfConnection(record, 'removed') });
  };
  await Promise.all(
    ids.flatMap((id) => [remove(id), store.measurements.removeClient(id), store.jobs.removeClient(id)]),
  );
  await store.flushed();
}

/**
 * At server start, before any thread reads the store: whoever was connected when the server ended is disconnected
 * since this start (spec 01 §12.3). Resolves with the number of clients, on disk.
 */
export async function disconnectStored(
  store: Pick<Store, 'clients' | 'flushed'>,
  now: Milliseconds,
  events?: Events,
): Promise<number> {
  const at = instant(now);
  let count = 0;
  let writes: Promise<void>[] = [];
  const connected = [];
  for (const record of store.clients.all()) if (record.disconnectedAt === null) connected.push(record.id);
  for (const id of connected) {
    const record = store.clients.get(id);
    if (record === undefined) continue;
    writes.push(store.clients.put({ ...record, disconnectedAt: at }));
    const recorded = events?.record(record, endOfConnection(record, 'server_restarted'));
    if (recorded !== undefined) writes.push(recorded.committed.then(() => recorded.tell()));
    count += 1;
    if (writes.length < BATCH) continue;
    await Promise.all(writes);
    writes = [];
  }
  await Promise.all(writes);
  await store.flushed();
  return count;
}
