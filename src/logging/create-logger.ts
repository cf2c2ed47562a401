/** The `Logger` everybody uses: formats lines and hands them to a sink. Spec 07 §7. */

import type { Clock } from '../time.js';
import type { Logger, LogLevel } from './logger.js';
import { oneLine } from './one-line.js';
import { secondStamp } from './timestamp.js';

/** Takes one complete line, without line break. Must not throw or block. */
export type LogSink = (line: string) => void;

/** A level that changes while loggers use it. */
export interface LevelSetting {
  current: LogLevel;
}

export interface LoggerOptions {
  readonly level: LogLevel | LevelSetting;
  readonly sink: LogSink;
  readonly clock: Pick<Clock, 'now'>;
  /** First prefix of every line, e.g. `server`. */
  readonly prefix?: string;
}

const rank: Readonly<Record<LogLevel, number>> = { error: 0, info: 1, debug: 2 };

export function createLogger({ level, sink, clock, prefix = '' }: LoggerOptions): Logger {
  const setting: Readonly<LevelSetting> = typeof level === 'string' ? { current: level } : level;
  const lead = prefix === '' ? '' : `${oneLine(prefix)}: `;
  const write = (word: LogLevel, message: string): void => {
    if (rank[word] > rank[setting.current]) return;
    sink(`${secondStamp(clock.now())} ${word}: ${lead}${oneLine(message)}`);
  };
  return {
    get level() {
      return setting.current;
    },
    error: (message) => write('error', message),
    info: (message) => write('info', message),
    debug: (message) => write('debug', message),
    raw(line) {
      if (setting.current !== 'error') sink(oneLine(line));
    },
    named: (more) =>
      createLogger({ level: setting, sink, clock, prefix: prefix === '' ? more : `${prefix}: ${more}` }),
  };
}
