import type { ActorRef } from './types.js';

/** A map keyed by address. Nested, so that a lookup builds no string. */
export class RefMap<Value> {
  readonly #kinds = new Map<string, Map<string, Value>>();

  get(ref: ActorRef): Value | undefined {
    return this.#kinds.get(ref.kind)?.get(ref.id);
  }

  set(ref: ActorRef, value: Value): void {
    let ids = this.#kinds.get(ref.kind);
    if (ids === undefined) {
      ids = new Map();
      this.#kinds.set(ref.kind, ids);
    }
    ids.set(ref.id, value);
  }

  delete(ref: ActorRef): void {
    const ids = this.#kinds.get(ref.kind);
    if (ids?.delete(ref.id) === true && ids.size === 0) this.#kinds.delete(ref.kind);
  }

  *values(): IterableIterator<Value> {
    for (const ids of this.#kinds.values()) yield* ids.values();
  }

  /** How many values each kind has. */
  counts(): Record<string, number> {
    return Object.fromEntries([...this.#kinds].map(([kind, ids]) => [kind, ids.size]));
  }
}
