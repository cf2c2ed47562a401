/**
 * Parsed rows of a small table that is read with every request. A row gives the same object for as long as its text
 * is the same, whoever changed it, so that what others compute from it can be kept by that object.
 */

import type { Database } from 'lmdb';
import type { Logger } from '../logging/logger.js';
import { isKeyText } from './key.js';

/** Rows remembered; beyond it the one remembered longest is parsed again. */
const REMEMBERED = 10_000;

interface Remembered<Row> {
  readonly text: string;
  readonly row: Row | undefined;
}

export class ParsedRows<Row> {
  readonly #table: Database<string, string>;
  readonly #decode: (key: string, text: string) => Row | undefined;
  readonly #log: Logger;
  readonly #remembered = new Map<string, Remembered<Row>>();

  /** `decode` gives `undefined` for a row that cannot be used; it is logged once and counts as missing. */
  constructor(
    table: Database<string, string>,
    decode: (key: string, text: string) => Row | undefined,
    log: Logger,
  ) {
    this.#table = table;
    this.#decode = decode;
    this.#log = log;
  }

  /** Sees what other threads and processes have committed. */
  get(key: string): Row | undefined {
    if (!isKeyText(key)) return undefined;
    this.#table.resetReadTxn();
    return this.inTransaction(key);
  }

  /** Like `get`, as the present transaction sees it; `key` can be a key. */
  inTransaction(key: string): Row | undefined {
    const text = this.#table.get(key);
    if (text !== undefined) return this.#parsed(key, text);
    this.#remembered.delete(key);
    return undefined;
  }

  /** In the order of keys. */
  *all(): Iterable<Row> {
    this.#table.resetReadTxn();
    yield* this.allInTransaction();
  }

  /** Like `all`, as the present transaction sees it. */
  *allInTransaction(): Iterable<Row> {
    for (const { key, value } of this.#table.getRange()) {
      const row = this.#parsed(key, value);
      if (row !== undefined) yield row;
    }
  }

  #parsed(key: string, text: string): Row | undefined {
    const known = this.#remembered.get(key);
    if (known !== undefined && known.text === text) return known.row;
    const row = this.#decode(key, text);
    if (row === undefined) this.#log.error(`the stored row ${JSON.stringify(key)} is unreadable, skipped`);
    this.#remembered.delete(key);
    this.#remembered.set(key, { text, row });
    if (this.#remembered.size > REMEMBERED) {
      const [oldest] = this.#remembered.keys();
      if (oldest !== undefined) this.#remembered.delete(oldest);
    }
    return row;
  }
}
