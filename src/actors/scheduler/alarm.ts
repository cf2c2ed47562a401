/**
 * Alarms of the machine's own clock, by node-schedule: one-shot jobs alone, since its recurring ones go by another cron
 * dialect. It takes its time from `Date` and `setTimeout`, which tests cannot stand still or move, so the scheduler
 * knows it as a `SetAlarm` and tests give it one on their own clock.
 */

import { scheduleJob } from 'node-schedule';
import type { SetAlarm } from '../../schedules/timetable.js';
import { systemClock } from '../../time.js';

export const setSystemAlarm: SetAlarm = (at, ring) => {
  // It has no job for a time that has passed.
  const job = scheduleJob(new Date(at), ring) as ReturnType<typeof scheduleJob> | null;
  return job === null ? systemClock.after(0, ring) : { cancel: () => void job.cancel() };
};
