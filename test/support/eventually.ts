/** Waiting for something another process will do, where it gives no sign of its own. */

const PAUSE_MS = 25;

/**
 * Asks again until `look` returns something other than `undefined` and `false`. Rejects after `timeoutMs` with
 * the last error of `look`, or saying what was waited for.
 */
export async function eventually<Value>(
  what: string,
  look: () => Promise<Value | undefined | false> | Value | undefined | false,
  timeoutMs = 20_000,
): Promise<Value> {
  const deadline = Date.now() + timeoutMs;
  let problem: unknown;
  do {
    try {
      const found = await look();
      if (found !== undefined && found !== false) return found;
      problem = undefined;
    } catch (error) {
      problem = error;
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  } while (Date.now() < deadline);
  throw new Error(`waited ${timeoutMs} ms for ${what}`, { cause: problem });
}
