/** Waiting for LMDB's writes without leaving a rejection nobody handles. */

/** The write could not be committed, for example because the disk is full. Nothing of it is stored. */
export class StoreWriteError extends Error {
  constructor(cause: unknown) {
    super(`the store could not be written: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
    this.name = 'StoreWriteError';
  }
}

/** Resolves when the writes behind `write` are committed. Rejects with `StoreWriteError`. */
export async function committed(write: PromiseLike<unknown>): Promise<void> {
  try {
    await write;
  } catch (error) {
    throw new StoreWriteError(await reasonOf(error));
  }
}

/** A failed commit carries its reason as a second promise that rejects. */
async function reasonOf(error: unknown): Promise<unknown> {
  if (!(error instanceof Error) || !('commitError' in error)) return error;
  try {
    await error.commitError;
    return error;
  } catch (reason) {
    return reason;
  }
}
