/** One object for one content, so that callers may recognise what has not changed. */

import { BoundedCache } from '../../../clients/bounded-cache.js';

/** Objects remembered at a time; beyond that the ones not asked for the longest come anew. */
const MOST = 10_000;
/** Characters of all contents together. */
const MOST_CHARACTERS = 16 * 1024 * 1024;

export class SameObjects<Content extends readonly unknown[], Value> {
  readonly #make: (content: Content) => Value;
  readonly #known = new BoundedCache<Value>(MOST, MOST_CHARACTERS);

  /** `make` gets contents of plain JSON values. */
  constructor(make: (content: Content) => Value) {
    this.#make = make;
  }

  of(content: Content): Value {
    const key = JSON.stringify(content);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const value = this.#make(content);
    this.#known.set(key, value, key.length);
    return value;
  }
}
