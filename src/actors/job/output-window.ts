/** How much output may wait for its listener. */

/** Bytes of one stream that nobody has taken yet. Agents send messages of 32 KiB, so four of them may be on their way. */
export const OUTPUT_WINDOW = 128 * 1024;
/** Of all streams of one listener together, so that one who does not read costs no more … */
const OF_A_LISTENER = 64 * 1024 * 1024;
/** … but less than this makes a stream slow whatever the listener does: 160 MiB for 10 000 clients. */
const SMALLEST = 8 * 1024;
/** `stdout` and `stderr`. */
const STREAMS = 2;

/** @param jobs that may run at the same time */
export const outputWindow = (jobs: number): number =>
  Math.max(SMALLEST, Math.min(OUTPUT_WINDOW, Math.floor(OF_A_LISTENER / (STREAMS * Math.max(1, jobs)))));
