/** A small file that an operator may edit at any time, kept parsed in memory. */

import { readFile, stat } from 'node:fs/promises';
import type { Clock, Milliseconds } from '../time.js';

export interface WatchedFileOptions<Value> {
  readonly path: string;
  /** Throws `Error` when the text is no good. */
  readonly parse: (text: string) => Value;
  readonly clock: Clock;
  /** Called once per state of the file that could not be used while an older value stays in force. */
  readonly onBad: (error: Error) => void;
}

/** How long a value counts as current without a look at the file's date. */
const TRUSTED_FOR: Milliseconds = 1000;
/**
 * A file changed again within this time of its date may keep that date (clocks of file systems tick coarsely),
 * so one that young is read anew although its date is known.
 */
const DATE_TICK: Milliseconds = 100;

export class WatchedFile<Value> {
  readonly #options: WatchedFileOptions<Value>;
  #value: { readonly value: Value } | undefined;
  #checkedAt: Milliseconds = Number.NEGATIVE_INFINITY;
  /** Identifies the state of the file that was read last. */
  #version = '';
  #complaint = '';
  #check: Promise<void> | undefined;
  /** How often `forget` was called: what was being read then is old. */
  #forgotten = 0;

  constructor(options: WatchedFileOptions<Value>) {
    this.#options = options;
  }

  /** The value in force; `undefined` before the first good read. */
  get last(): Value | undefined {
    return this.#value?.value;
  }

  /** The value without a wait when the file was looked at within the last second. */
  recent(): Value | Promise<Value> {
    if (this.#value !== undefined && this.#options.clock.now() - this.#checkedAt < TRUSTED_FOR) {
      return this.#value.value;
    }
    return this.current();
  }

  /**
   * The value after a look at the file's date. A file that has become unreadable or bad leaves the last good
   * value in force. Rejects only when there never was a good one.
   */
  async current(): Promise<Value> {
    let forgotten: number;
    do {
      forgotten = this.#forgotten;
      try {
        await this.#refresh();
      } catch (error) {
        if (this.#value === undefined) throw error;
      }
    } while (forgotten !== this.#forgotten);
    if (this.#value === undefined) throw new Error(`${this.#options.path}: not loaded`);
    return this.#value.value;
  }

  /** Whoever asks from now on, or is waiting, gets what a look at the file's date from now on finds. */
  forget(): void {
    this.#forgotten += 1;
    this.#check = undefined;
    this.#checkedAt = Number.NEGATIVE_INFINITY;
  }

  /** Reads the file whatever its date says. Rejects when it is unreadable or bad; the old value stays. */
  reload(): Promise<void> {
    return this.#read(true);
  }

  /** Callers that come together share one look. */
  #refresh(): Promise<void> {
    if (this.#check !== undefined) return this.#check;
    const check = this.#read(false).finally(() => {
      if (this.#check === check) this.#check = undefined;
    });
    this.#check = check;
    return check;
  }

  async #read(force: boolean): Promise<void> {
    const { path, parse, clock, onBad } = this.#options;
    const forgotten = this.#forgotten;
    const isOld = (): boolean => !force && forgotten !== this.#forgotten;
    try {
      // The file's date is real time, whatever clock this server was given.
      const lookedAt = Date.now();
      const { mtimeNs, size, ino } = await stat(path, { bigint: true });
      const version = `${mtimeNs} ${size} ${ino}`;
      if (!force && version === this.#version) return;
      const text = await readFile(path, 'utf8');
      if (isOld()) return;
      const settled = lookedAt - Number(mtimeNs / 1_000_000n) > DATE_TICK;
      this.#version = settled ? version : '';
      this.#value = { value: parse(text) };
      this.#complaint = '';
    } catch (error) {
      const complaint = (error as Error).message;
      if (!force && this.#value !== undefined && complaint !== this.#complaint) onBad(error as Error);
      this.#complaint = complaint;
      throw error;
    } finally {
      if (!isOld()) this.#checkedAt = clock.now();
    }
  }
}
