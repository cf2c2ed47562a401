/** What changes of schedules do to the store. Each is on disk when it resolves. */

import type { ScheduleId } from '../../ids.js';
import type { Schedule } from '../../schedules/schedule.js';
import type { Store } from '../../store/store.js';
import { type MultiJobMessage, multiJobRef } from '../multi-job/messages.js';
import type { ActorSystem } from '../runtime/types.js';

export type ScheduleStore = Pick<Store, 'schedules' | 'jobs' | 'multiJobs' | 'flushed'>;

export async function addSchedule(store: ScheduleStore, schedule: Schedule): Promise<Schedule> {
  await store.schedules.add(schedule);
  await store.flushed();
  return schedule;
}

/** `null`: there is none. */
export async function replaceSchedule(
  store: ScheduleStore,
  id: ScheduleId,
  change: Omit<Schedule, 'id' | 'createdAt' | 'createdBy' | 'creatorTenure'>,
): Promise<Schedule | null> {
  const after = await store.schedules.change(id, ({ createdAt, createdBy, creatorTenure }) => ({
    ...change,
    id,
    createdAt,
    createdBy,
    creatorTenure,
  }));
  await store.flushed();
  return after ?? null;
}

/** Everything a schedule has had run; what is still to be started of it is not started any more. */
export async function removeHistory(
  system: Pick<ActorSystem, 'locate' | 'tell'>,
  store: ScheduleStore,
  id: ScheduleId,
): Promise<void> {
  for (const jid of store.multiJobs.ofSchedule(id)) {
    const multiJob = multiJobRef(jid);
    if (system.locate(multiJob) === undefined) continue;
    const message: MultiJobMessage = { type: 'abandoned' };
    system.tell(multiJob, message, 'system');
  }
  await store.jobs.removeSchedule(id);
  await store.flushed();
}

/** The server may have ended amid a removal. Resolves with the number of schedules that had left something. */
export async function removeOrphans(
  system: Pick<ActorSystem, 'locate' | 'tell'>,
  store: ScheduleStore,
): Promise<number> {
  const orphans = [...store.multiJobs.scheduleIds()].filter((id) => !store.schedules.exists(id));
  for (const id of orphans) await removeHistory(system, store, id);
  return orphans.length;
}
