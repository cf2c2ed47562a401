/** What a cron text means, once it is understood. Spec 04 §15.2. */

import type { Milliseconds, Seconds } from '../../time.js';
import { nextMatch } from './next-match.js';

/** Values a field lets through, by value, and whether it lets all of them through because of a plain star. */
export interface CronField {
  readonly allows: readonly boolean[];
  readonly star: boolean;
}

/** The five fields, and the zone whose wall clock they are compared with. */
export interface CronFields {
  readonly minute: CronField;
  readonly hour: CronField;
  readonly dayOfMonth: CronField;
  readonly month: CronField;
  readonly dayOfWeek: CronField;
  /** IANA name. */
  readonly timeZone: string;
}

export type CronSchedule =
  | { readonly kind: 'fields'; readonly fields: CronFields }
  /** `@every`: whole seconds, at least one. */
  | { readonly kind: 'every'; readonly delay: Seconds };

const SECOND: Milliseconds = 1_000;

/**
 * The first time after `after` at which `schedule` is due; `null` when there is none in the next five years.
 * Times that a change of the clocks skips are never due, those it repeats are due twice. `@every` counts from
 * `after`, which is the time of registration or of the last run.
 */
export function nextRun(schedule: CronSchedule, after: Milliseconds): Milliseconds | null {
  if (schedule.kind === 'fields') return nextMatch(schedule.fields, after);
  return Math.floor(after / SECOND) * SECOND + schedule.delay * SECOND;
}
