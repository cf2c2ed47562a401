import type { Milliseconds } from '../time.js';

/** A shard that ran this long is taken for healthy: its next failure counts as the first. */
export const HEALTHY_AFTER: Milliseconds = 60_000;
const LONGEST_DELAY: Milliseconds = 30_000;

/** Wait before a restart after `failures` failures in a row: none at first, then 1 s, 2 s, 4 s … at most 30 s. */
export const restartDelay = (failures: number): Milliseconds =>
  failures <= 1 ? 0 : Math.min(1_000 * 2 ** (failures - 2), LONGEST_DELAY);
