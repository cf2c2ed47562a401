/** One command or script on several clients. Spec 04 §3.3. */

import { jsonText } from '../go/json-text.js';
import type { JobId } from '../ids.js';
import type { Instant, Seconds } from '../time.js';

/** Which clients, by their tags. */
export interface TargetTags {
  readonly tags: readonly string[];
  /** `and` in any letter case: all tags; anything else: one of them. */
  readonly operator: string;
}

export interface MultiJob {
  readonly jid: JobId;
  readonly startedAt: Instant;
  readonly createdBy: string;
  readonly scheduleId: string | null;
  readonly clientIds: readonly string[] | null;
  readonly groupIds: readonly string[] | null;
  readonly tags: TargetTags | null;
  readonly command: string;
  readonly cwd: string;
  readonly interpreter: string;
  readonly timeoutSec: Seconds;
  readonly concurrent: boolean;
  readonly abortOnError: boolean;
  readonly isSudo: boolean;
  readonly isScript: boolean;
}

/** What lists show. Spec 04 §3.4. */
export type MultiJobSummary = Pick<MultiJob, 'jid' | 'startedAt' | 'createdBy' | 'scheduleId'>;

/** Children that `multiJobJson` shows. Spec 04 §3.3. */
export const MOST_CHILDREN_SHOWN = 100;

/** @param children JSON texts of jobs */
export function multiJobJson(multiJob: MultiJob, children: readonly string[]): string {
  const head = jsonText({
    jid: multiJob.jid,
    started_at: multiJob.startedAt,
    created_by: multiJob.createdBy,
    schedule_id: multiJob.scheduleId,
    client_ids: multiJob.clientIds,
    group_ids: multiJob.groupIds,
    tags: multiJob.tags,
    command: multiJob.command,
    cwd: multiJob.cwd,
    interpreter: multiJob.interpreter,
    timeout_sec: multiJob.timeoutSec,
    concurrent: multiJob.concurrent,
    abort_on_err: multiJob.abortOnError,
  });
  return `${head.slice(0, -1)},"jobs":[${children.join(',')}],"is_sudo":${multiJob.isSudo},"is_script":${multiJob.isScript}}`;
}

export const summaryJson = (summary: MultiJobSummary): string =>
  jsonText({
    jid: summary.jid,
    started_at: summary.startedAt,
    created_by: summary.createdBy,
    schedule_id: summary.scheduleId,
  });
