/** Answers of a slow source, remembered for a moment, so that a burst of requests costs it one query per key. */

import type { Clock, Milliseconds } from '../time.js';

export interface RecentLookupsOptions<Value> {
  readonly clock: Clock;
  readonly load: (key: string) => Promise<Value>;
  /** Keys remembered at a time. */
  readonly capacity: number;
}

/** How old a remembered answer may be. */
const REMEMBERED_FOR: Milliseconds = 1_000;
/** Longer keys are nobody's, and not remembered. Characters. */
const LONGEST_KEY = 4_096;

interface Entry<Value> {
  /** With the moment the query began: what it answers is as old as that. */
  answer: { readonly value: Value; readonly asOf: Milliseconds } | null;
  running: { readonly result: Promise<Value>; readonly asOf: Milliseconds } | null;
  /** Begins when `running` has ended, for callers that came after its begin. */
  next: Promise<Value> | null;
}

export class RecentLookups<Value> {
  readonly #clock: Clock;
  readonly #load: (key: string) => Promise<Value>;
  readonly #capacity: number;
  /** In the order of their first use. */
  #entries = new Map<string, Entry<Value>>();

  constructor({ clock, load, capacity }: RecentLookupsOptions<Value>) {
    this.#clock = clock;
    this.#load = load;
    this.#capacity = capacity;
  }

  /** At most a second old; at once when it is remembered. */
  recent(key: string): Value | Promise<Value> {
    const entry = this.#entry(key);
    if (entry.answer !== null && this.#isRecent(entry.answer.asOf)) return entry.answer.value;
    if (entry.running !== null && this.#isRecent(entry.running.asOf)) return entry.running.result;
    return this.#after(key, entry);
  }

  /** Asked for after this call began. */
  current(key: string): Promise<Value> {
    return this.#after(key, this.#entry(key));
  }

  /** Nothing asked for before this call is answered from now on. */
  forget(): void {
    // Queries under way answer those who wait for them, into entries nobody finds any more.
    this.#entries = new Map();
  }

  /** Callers share the one query that begins after all of them have come. */
  #after(key: string, entry: Entry<Value>): Promise<Value> {
    const { running } = entry;
    if (running === null) return this.#start(key, entry);
    entry.next ??= running.result
      .catch(() => undefined)
      .then(() => {
        entry.next = null;
        return this.#start(key, entry);
      });
    return entry.next;
  }

  #start(key: string, entry: Entry<Value>): Promise<Value> {
    const asOf = this.#clock.now();
    const result = this.#load(key).then(
      (value) => {
        entry.answer = { value, asOf };
        entry.running = null;
        return value;
      },
      (error: unknown) => {
        entry.running = null;
        throw error;
      },
    );
    entry.running = { result, asOf };
    return result;
  }

  #entry(key: string): Entry<Value> {
    const known = this.#entries.get(key);
    if (known !== undefined) return known;
    const entry: Entry<Value> = { answer: null, running: null, next: null };
    if (key.length > LONGEST_KEY) return entry;
    this.#entries.set(key, entry);
    if (this.#entries.size > this.#capacity) {
      for (const oldest of this.#entries.keys()) {
        this.#entries.delete(oldest);
        break;
      }
    }
    return entry;
  }

  /** Also when the clock has been set back. */
  #isRecent(asOf: Milliseconds): boolean {
    const age = this.#clock.now() - asOf;
    return age >= 0 && age < REMEMBERED_FOR;
  }
}
