/** Log lines in the reference's shape: `2026/11/23 15:05:58 info: <prefix>: <message>`. Spec 07 §7. */

export type LogLevel = 'error' | 'info' | 'debug';

export interface Logger {
  error(message: string): void;
  info(message: string): void;
  debug(message: string): void;
  readonly level: LogLevel;
  /** A logger whose lines carry one more prefix. */
  named(prefix: string): Logger;
  /** A complete line without level word (HTTP request lines). Written at level info and debug. */
  raw(line: string): void;
}
