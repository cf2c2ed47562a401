/** Rows of the table `schedules` as JSON text. */

import { scheduleId } from '../ids.js';
import type { Schedule, ScheduleType } from '../schedules/schedule.js';
import { decodeTags } from './job-codec.js';
import { rowFields } from './row-fields.js';

export const encodeSchedule = (schedule: Schedule): string => JSON.stringify(schedule);

/** `undefined` for what is not wholly a schedule. Whether its cron text means anything is not looked at. */
export function decodeSchedule(text: string): Schedule | undefined {
  const fields = rowFields(text);
  const type = fields.text('type');
  const schedule: Schedule = {
    id: scheduleId(fields.text('id')),
    createdAt: fields.text('createdAt'),
    createdBy: fields.text('createdBy'),
    updatedBy: fields.text('updatedBy'),
    creatorTenure: fields.integer('creatorTenure'),
    updaterTenure: fields.integer('updaterTenure'),
    name: fields.text('name'),
    schedule: fields.text('schedule'),
    type: type as ScheduleType,
    clientIds: fields.texts('clientIds'),
    groupIds: fields.texts('groupIds'),
    tags: fields.object('tags', decodeTags),
    command: fields.text('command'),
    script: fields.text('script'),
    interpreter: fields.text('interpreter'),
    cwd: fields.text('cwd'),
    isSudo: fields.flag('isSudo'),
    timeoutSec: fields.integer('timeoutSec'),
    concurrent: fields.flag('concurrent'),
    abortOnError: (fields.raw('abortOnError') ?? null) === null ? null : fields.flag('abortOnError'),
    overlaps: fields.flag('overlaps'),
  };
  return fields.fits && schedule.id !== '' && (type === 'command' || type === 'script')
    ? schedule
    : undefined;
}
