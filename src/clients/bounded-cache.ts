/** A map that drops what was not used for longest, bounded by entries and by the length of what they hold. */
export class BoundedCache<Value> {
  readonly #maxEntries: number;
  readonly #maxLength: number;
  /** In the order of use, oldest first. */
  readonly #entries = new Map<string, { readonly value: Value; readonly length: number }>();
  #length = 0;

  constructor(maxEntries: number, maxLength: number) {
    this.#maxEntries = maxEntries;
    this.#maxLength = maxLength;
  }

  get(key: string): Value | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry.value;
  }

  /** `length` in characters. What is longer than an eighth of the whole cache is not kept. */
  set(key: string, value: Value, length: number): void {
    this.delete(key);
    if (length > this.#maxLength / 8) return;
    this.#entries.set(key, { value, length });
    this.#length += length;
    while (this.#length > this.#maxLength || this.#entries.size > this.#maxEntries) {
      const oldest = this.#entries.keys().next();
      if (oldest.done) break;
      this.delete(oldest.value);
    }
  }

  delete(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#length -= entry.length;
  }

  clear(): void {
    this.#entries.clear();
    this.#length = 0;
  }
}
