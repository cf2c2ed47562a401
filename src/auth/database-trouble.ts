/** What becomes of the errors of a database: a line in the log, and an answer that says nothing about it. */

import { AppError } from '../errors.js';
import type { Logger } from '../logging/logger.js';
import { SqlError } from '../sql/sql-error.js';
import type { Clock, Milliseconds } from '../time.js';

/** A database that is down fails every request; one line in this time is enough. */
const QUIET: Milliseconds = 10_000;

export class DatabaseTrouble {
  readonly #what: string;
  readonly #clock: Clock;
  readonly #log: Logger;
  #down = false;
  #said = '';
  #saidAt: Milliseconds = Number.NEGATIVE_INFINITY;

  /** `what` the database has, such as `users`. */
  constructor(what: string, clock: Clock, log: Logger) {
    this.#what = what;
    this.#clock = clock;
    this.#log = log;
  }

  /**
   * Passes the result on. Rejects with `AppError` instead of `SqlError`: 503 when the database cannot be reached, 400
   * when it does not take a value, else 500. Other errors are passed on.
   */
  async guard<Result>(running: Promise<Result>): Promise<Result> {
    try {
      const result = await running;
      if (this.#down) this.#log.info(`the database of ${this.#what} answers again`);
      this.#down = false;
      return result;
    } catch (error) {
      throw error instanceof SqlError ? this.#answer(error) : error;
    }
  }

  #answer(error: SqlError): AppError {
    if (error.kind === 'value') {
      return new AppError('bad_request', {
        title: 'The database cannot store this: a value is too long or has characters it does not know.',
      });
    }
    this.#report(error);
    return error.kind === 'unavailable'
      ? new AppError('overloaded', { title: 'the database is not available, please try later' })
      : new AppError('internal');
  }

  #report({ kind, message }: SqlError): void {
    const now = this.#clock.now();
    this.#down ||= kind === 'unavailable';
    if (message === this.#said && now - this.#saidAt < QUIET) return;
    this.#said = message;
    this.#saidAt = now;
    this.#log.error(`the database of ${this.#what}: ${kind}: ${message}`);
  }
}
