/**
 * When each schedule is due next. Knows nothing of what is run.
 *
 * A clock that is set is treated as cron daemons do it. By less than three hours: what the clock jumped over is due once,
 * what it shows for the second time is not due again. By more: the clock was wrong before, and what is due follows
 * from the new time alone; the same goes for a machine that has slept that long.
 */

import type { ScheduleId } from '../ids.js';
import type { Clock, Milliseconds, Timer } from '../time.js';
import { parseCron } from './cron/parse.js';
import { type CronSchedule, nextRun } from './cron/schedule.js';

/** Rings once when the clock shows `at` or more. */
export type SetAlarm = (at: Milliseconds, ring: () => void) => Timer;

/** What to make of an alarm: run it, leave it out because it is much too late, or nothing: it was for something else. */
export type Alarm = 'run' | 'missed' | 'stale';

interface Entry {
  readonly cron: CronSchedule;
  next: Milliseconds | null;
  alarm: Timer | null;
}

export interface TimetableOptions {
  readonly clock: Pick<Clock, 'now'>;
  readonly setAlarm: SetAlarm;
  /** `at` is due; to be given to `due`. */
  readonly onAlarm: (id: ScheduleId, at: Milliseconds) => void;
}

const LARGEST_JUMP: Milliseconds = 3 * 3_600_000;
/** A clock is adjusted by less than this all the time. */
const SMALLEST_JUMP: Milliseconds = 1_000;
/** An alarm this late goes by how long it was to wait when it was set, and the clock has been set since. */
const OVERDUE: Milliseconds = 1_000;
/** Planned in one go; the dearest, a date that never comes, takes about a millisecond. */
const ENTRIES_PER_TURN = 10;

export class Timetable {
  readonly #clock: TimetableOptions['clock'];
  readonly #setAlarm: SetAlarm;
  readonly #onAlarm: TimetableOptions['onAlarm'];
  readonly #entries = new Map<ScheduleId, Entry>();
  #checkedAt: Milliseconds;

  constructor({ clock, setAlarm, onAlarm }: TimetableOptions) {
    this.#clock = clock;
    this.#setAlarm = setAlarm;
    this.#onAlarm = onAlarm;
    this.#checkedAt = clock.now();
  }

  /** Registers a schedule, or registers it anew. Returns what is wrong with its cron text: then it is never due. */
  put(id: ScheduleId, text: string): string | null {
    this.remove(id);
    const cron = parseCron(text);
    if (!cron.ok) return cron.error;
    const now = this.#clock.now();
    const entry: Entry = { cron: cron.value, next: null, alarm: null };
    this.#entries.set(id, entry);
    this.#plan(id, entry, now);
    return null;
  }

  remove(id: ScheduleId): void {
    this.#entries.get(id)?.alarm?.cancel();
    this.#entries.delete(id);
  }

  /** `null`: never, or not known. */
  next(id: ScheduleId): Milliseconds | null {
    return this.#entries.get(id)?.next ?? null;
  }

  /** Takes an alarm, and plans the next one. */
  due(id: ScheduleId, at: Milliseconds): Alarm {
    const entry = this.#entries.get(id);
    if (entry === undefined || entry.next !== at) return 'stale';
    const now = this.#clock.now();
    this.#plan(id, entry, Math.max(now, at));
    return now - at > LARGEST_JUMP ? 'missed' : 'run';
  }

  /** To be called once a second: finds out whether the clock was set. In pieces that end at each `yield`. */
  *check(): Generator<void, void> {
    const now = this.#clock.now();
    const back = this.#checkedAt - now;
    this.#checkedAt = now;
    const setBack = back > SMALLEST_JUMP;
    let touched = 0;
    for (const [id, entry] of this.#entries) {
      const { next } = entry;
      const overdue = next !== null && now - next > OVERDUE;
      if (!setBack && !overdue) continue;
      if (++touched % ENTRIES_PER_TURN === 0) yield;
      // Something else may have happened to it meanwhile.
      if (this.#entries.get(id) !== entry || entry.next !== next) continue;
      if (setBack) this.#setBack(id, entry, back);
      else if (next !== null) this.#onAlarm(id, next);
    }
  }

  stop(): void {
    for (const { alarm } of this.#entries.values()) alarm?.cancel();
    this.#entries.clear();
  }

  #setBack(id: ScheduleId, entry: Entry, back: Milliseconds): void {
    const now = this.#clock.now();
    // `@every` is about distances in time. Other times, as far as they were there already, stay behind the last one.
    if (entry.cron.kind === 'every' || back > LARGEST_JUMP) this.#plan(id, entry, now);
  }

  #plan(id: ScheduleId, entry: Entry, after: Milliseconds): void {
    entry.alarm?.cancel();
    const next = nextRun(entry.cron, after);
    entry.next = next;
    entry.alarm = next === null ? null : this.#setAlarm(next, () => this.#onAlarm(id, next));
  }
}
