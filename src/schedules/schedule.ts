/** What is to be run again and again, and when. Spec 04 §15. */

import type { ScheduleId } from '../ids.js';
import type { TargetTags } from '../jobs/multi-job.js';
import type { Instant, Seconds } from '../time.js';

/** What its users say of a schedule. */
export interface ScheduleInput {
  /** May be empty, and that of others too. */
  readonly name: string;
  /** A cron text, see `cron/parse.ts`. */
  readonly schedule: string;
  readonly type: ScheduleType;
  readonly clientIds: readonly string[] | null;
  readonly groupIds: readonly string[] | null;
  readonly tags: TargetTags | null;
  /** Of type `command`. */
  readonly command: string;
  /** Of type `script`, in base64. */
  readonly script: string;
  readonly interpreter: string;
  readonly cwd: string;
  readonly isSudo: boolean;
  /** 0 and less: the default of the server at the time of the run. */
  readonly timeoutSec: Seconds;
  readonly concurrent: boolean;
  /** `null` counts as true. */
  readonly abortOnError: boolean | null;
  /** A run begins even if the one before is still under way. */
  readonly overlaps: boolean;
}

export type ScheduleType = 'command' | 'script';

export interface Schedule extends ScheduleInput {
  readonly id: ScheduleId;
  readonly createdAt: Instant;
  /** User for whom it runs. */
  readonly createdBy: string;
  /** Which of the users of that name, see `NameTenureRepository`. */
  readonly creatorTenure: number;
  /** User who has said last what it does, and whose rights it may not exceed either. */
  readonly updatedBy: string;
  readonly updaterTenure: number;
}

/** The newest run that has come to a client. Spec 04 §15.1. */
export interface LastExecution {
  readonly startedAt: string;
  readonly clientCount: number;
  readonly successCount: number;
  /** `null` unless there is one client. */
  readonly status: string | null;
  /** JSON text of a string, or `null` as text: unless there is one client, and it has reported. */
  readonly summaryJson: string;
}
