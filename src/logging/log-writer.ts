/**
 * Writes lines to a file or to standard output. Lines of one turn of the event loop become one write, in a
 * thread of the pool: a slow disk or a stalled pipe never holds up the process.
 */

import { close, openSync, write, writeSync } from 'node:fs';
import { codeOf, fileError } from '../file-error.js';
import type { LogSink } from './create-logger.js';

/** What may wait for a disk that does not keep up, UTF-16 units; lines above are counted and dropped. */
const MOST_WAITING = 8 * 1024 * 1024;
/** Pause before a full pipe is tried again. */
const RETRY_MS = 20;
/** Tries at exit to get the rest into a full pipe: a dead reader must not keep the process alive. */
const EXIT_RETRIES = 50;
/** Longest wait for a reader that stalls, when the log is closed. */
const LONGEST_CLOSE_MS = 2_000;
const STDOUT = 1;

export interface LogWriter {
  readonly write: LogSink;
  /**
   * Opens the file again under its name, after it was renamed (log rotation).
   * @throws Error when that fails; the old file stays in use then
   */
  reopen(): void;
  /**
   * Resolves when every line is written, at the latest after the longest wait; later lines are dropped. Standard
   * output stays open.
   */
  close(): Promise<void>;
}

/**
 * @param path empty: standard output
 * @param longestCloseMs how long `close` waits
 * @throws Error `can't open log file <path>: …`
 */
export function openLogWriter(path: string, longestCloseMs = LONGEST_CLOSE_MS): LogWriter {
  let descriptor = openTarget(path);
  let waiting: string[] = [];
  let waitingLength = 0;
  let dropped = 0;
  let busy = false;
  let closed = false;
  let whenIdle: () => void = ignore;
  /** Whether the pool is writing at the moment, and the replaced descriptors to close once it is done. */
  let writing = false;
  const replaced: number[] = [];

  const takeWaiting = (): Buffer | null => {
    if (dropped > 0) waiting.push(`(${dropped} log lines dropped: the log could not be written fast enough)`);
    dropped = 0;
    if (waiting.length === 0) return null;
    const chunk = Buffer.from(`${waiting.join('\n')}\n`);
    waiting = [];
    waitingLength = 0;
    return chunk;
  };
  const next = (): void => {
    const chunk = takeWaiting();
    if (chunk !== null) {
      push(chunk);
      return;
    }
    busy = false;
    whenIdle();
  };
  const push = (chunk: Buffer): void => {
    writing = true;
    write(descriptor, chunk, (error, bytes) => {
      writing = false;
      for (const old of replaced.splice(0)) close(old, ignore);
      if (codeOf(error) === 'EAGAIN') setTimeout(push, RETRY_MS, chunk);
      // A full disk or a closed pipe leaves no place to complain to: the lines are lost, the server goes on.
      else if (error !== null || bytes >= chunk.length) next();
      else push(chunk.subarray(bytes));
    });
  };
  const flushAtExit = (): void => {
    // What the pool is writing finishes by itself; only what has not been handed over is written here.
    const rest = takeWaiting();
    if (rest !== null) writeNow(descriptor, rest);
  };
  process.on('exit', flushAtExit);

  return {
    write(line) {
      if (closed) return;
      if (waitingLength > MOST_WAITING) {
        dropped++;
        return;
      }
      waiting.push(line);
      waitingLength += line.length + 1;
      if (busy) return;
      busy = true;
      setImmediate(next);
    },
    reopen() {
      if (path === '' || closed) return;
      const old = descriptor;
      descriptor = openTarget(path);
      if (writing) replaced.push(old);
      else close(old, ignore);
    },
    async close() {
      if (closed) return;
      closed = true;
      if (busy)
        await new Promise<void>((resolve) => {
          whenIdle = resolve;
          setTimeout(resolve, longestCloseMs).unref();
        });
      process.off('exit', flushAtExit);
      if (path !== '' && !writing) await new Promise<void>((resolve) => close(descriptor, () => resolve()));
    },
  };
}

function openTarget(path: string): number {
  if (path === '') return STDOUT;
  try {
    return openSync(path, 'a', 0o644);
  } catch (thrown) {
    throw new Error(`can't open log file ${path}: ${fileError(path, thrown)}`);
  }
}

function writeNow(descriptor: number, chunk: Buffer): void {
  let rest = chunk;
  for (let tries = 0; rest.length > 0 && tries < EXIT_RETRIES; ) {
    try {
      rest = rest.subarray(writeSync(descriptor, rest));
    } catch (thrown) {
      if (codeOf(thrown) !== 'EAGAIN') return;
      tries++;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
    }
  }
}

const ignore = (): void => undefined;
