import type { LogSink } from './create-logger.js';

export interface LineForwarder {
  readonly sink: LogSink;
  /** Hands over what is waiting now; call before the thread ends. */
  flush(): void;
}

/**
 * Collects the lines of one turn of the event loop and posts them as one text (lines joined by line breaks), so
 * that a worker thread costs one message and not one per line. The receiver passes the text to `LogWriter.write`.
 */
export function forwardLines(post: (lines: string) => void): LineForwarder {
  let waiting: string[] = [];
  const flush = (): void => {
    if (waiting.length === 0) return;
    const lines = waiting.join('\n');
    waiting = [];
    post(lines);
  };
  return {
    flush,
    sink(line) {
      if (waiting.push(line) === 1) setImmediate(flush);
    },
  };
}
