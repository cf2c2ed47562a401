import type { RootDatabase } from 'lmdb';
import { committed } from './commit.js';

/**
 * Runs `work` while no other thread or process that has this store open does so, nor changes the store: for what they
 * share besides it, such as a file. `work` must be short, since it holds up their writes. Passes on what it throws; rejects
 * with `StoreWriteError` when the store cannot be locked, and `work` has not been done then.
 */
export type Exclusively = <Result>(work: () => Result) => Promise<Result>;

export function createExclusively(root: RootDatabase): Exclusively {
  return async <Result>(work: () => Result): Promise<Result> => {
    let outcome: { readonly result: Result } | { readonly error: unknown } | undefined;
    await committed(
      root.transaction(() => {
        try {
          outcome = { result: work() };
        } catch (error) {
          outcome = { error };
        }
      }),
    );
    if (outcome === undefined) throw new Error('the store did not call back');
    if ('error' in outcome) throw outcome.error;
    return outcome.result;
  };
}
