import type { Logger, LogLevel } from '../../src/logging/logger.js';

/** Keeps its lines as `level: message`. */
export class MemoryLogger implements Logger {
  readonly level: LogLevel = 'debug';
  readonly lines: string[] = [];

  error(message: string): void {
    this.lines.push(`error: ${message}`);
  }

  info(message: string): void {
    this.lines.push(`info: ${message}`);
  }

  debug(message: string): void {
    this.lines.push(`debug: ${message}`);
  }

  raw(line: string): void {
    this.lines.push(line);
  }

  named(): Logger {
    return this;
  }
}
