/** A schedule as the API shows it. Spec 04 §15.1. */

import { jsonText } from '../go/json-text.js';
import { instant, type Milliseconds } from '../time.js';
import type { LastExecution, Schedule, ScheduleInput } from './schedule.js';

/** What a request says, in the names and the order of the API; for the audit log, too. */
export const inputJson = (input: ScheduleInput) => ({
  name: input.name,
  schedule: input.schedule,
  type: input.type,
  client_ids: input.clientIds,
  group_ids: input.groupIds,
  tags: input.tags,
  ...(input.command !== '' && { command: input.command }),
  ...(input.script !== '' && { script: input.script }),
  interpreter: input.interpreter,
  cwd: input.cwd,
  is_sudo: input.isSudo,
  timeout_sec: input.timeoutSec,
  execute_concurrently: input.concurrent,
  abort_on_error: input.abortOnError,
  overlaps: input.overlaps,
});

export const storedJson = (schedule: Schedule) => ({
  id: schedule.id,
  created_at: schedule.createdAt,
  created_by: schedule.createdBy,
  ...inputJson(schedule),
});

/** JSON text. `next`: when it is due, `null` when never. */
export function scheduleJson(
  schedule: Schedule,
  last: LastExecution | null,
  next: Milliseconds | null,
): string {
  const head = jsonText(storedJson(schedule)).slice(0, -1);
  const more = jsonText({
    updated_by: schedule.updatedBy,
    next_run: next === null ? null : instant(next),
  }).slice(1);
  return `${head},"last_execution":${lastJson(last)},${more}`;
}

function lastJson(last: LastExecution | null): string {
  if (last === null) return 'null';
  const head = jsonText({
    started_at: last.startedAt,
    client_count: last.clientCount,
    success_count: last.successCount,
    status: last.status,
  });
  return `${head.slice(0, -1)},"summary":${last.summaryJson}}`;
}
