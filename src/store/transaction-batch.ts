/** Changes of several tables, many of them in one transaction: what a turn of the event loop brings costs one commit. */

import type { RootDatabase } from 'lmdb';
import { committed } from './commit.js';

/** Writes that changes leave for later in the same transaction, because the next change may write the same again. */
export interface HeldWrites {
  /** Does them. */
  write(): void;
}

interface Operation {
  readonly held: HeldWrites | null;
  run(): void;
  done(): void;
  failed(error: unknown): void;
  /** It has run, but what it left for later could not be written. */
  spoiled(error: unknown): void;
}

/** Operations in one transaction, so that others who write do not wait long: some milliseconds. */
const MOST_OPERATIONS = 500;

export class TransactionBatch {
  readonly #root: RootDatabase;
  #waiting: Operation[] = [];
  #scheduled = false;
  #last: Promise<void> = Promise.resolve();

  constructor(root: RootDatabase) {
    this.#root = root;
  }

  /**
   * Runs `change` in a transaction, in the order of the calls. Resolves with its result when that is committed. What
   * it has written when it throws is committed with the rest, so it has to check before it writes.
   * Rejects with what it threw, or with `StoreWriteError`.
   * @param held what `change` leaves to be written: before the next change without the same `held`, or before the
   * commit. `null`: it writes by itself, and finds everything written
   */
  run<Result>(change: () => Result, held: HeldWrites | null = null): Promise<Result> {
    return new Promise((resolve, reject) => {
      let outcome: { readonly value: Result } | { readonly error: unknown } | null = null;
      this.#waiting.push({
        held,
        run: () => {
          try {
            outcome = { value: change() };
          } catch (error) {
            outcome = { error };
          }
        },
        done: () => {
          if (outcome !== null && 'value' in outcome) resolve(outcome.value);
          else reject(outcome?.error);
        },
        failed: reject,
        spoiled: (error) => {
          outcome = { error };
        },
      });
      if (this.#scheduled) return;
      this.#scheduled = true;
      setImmediate(() => this.#write());
    });
  }

  /** Resolves when everything asked for so far is committed, or has failed. */
  async written(): Promise<void> {
    this.#write();
    await this.#last;
  }

  #write(): void {
    this.#scheduled = false;
    const all = this.#waiting;
    this.#waiting = [];
    for (let start = 0; start < all.length; start += MOST_OPERATIONS) {
      this.#last = this.#commit(all.slice(start, start + MOST_OPERATIONS));
    }
  }

  async #commit(operations: readonly Operation[]): Promise<void> {
    try {
      await committed(
        this.#root.transaction(() => {
          runAll(operations);
        }),
      );
      for (const operation of operations) operation.done();
    } catch (error) {
      for (const operation of operations) operation.failed(error);
    }
  }
}

/** Inside of a transaction. */
function runAll(operations: readonly Operation[]): void {
  let holding: Operation[] = [];
  const writeHeld = (): void => {
    try {
      holding[0]?.held?.write();
    } catch (error) {
      for (const operation of holding) operation.spoiled(error);
    }
    holding = [];
  };
  for (const operation of operations) {
    if (holding[0] !== undefined && holding[0].held !== operation.held) writeHeld();
    if (operation.held !== null) holding.push(operation);
    operation.run();
  }
  writeHeld();
}
