/** The last events, for readers that come back. */

import type { StreamEvent } from './event.js';

/** A fleet of 5000 that reconnects leaves two each. */
const MOST_EVENTS = 10_000;
/** Of text, ~400 a piece; agents choose their names. */
const MOST_CHARACTERS = 8 * 1024 * 1024;

export class RecentEvents {
  #events: StreamEvent[] = [];
  /** Place of the first one kept among all that ever were. */
  #first = 0;
  #characters = 0;
  readonly #places = new Map<string, number>();

  /** Place behind the last one. */
  get end(): number {
    return this.#first + this.#events.length;
  }

  get lastId(): string | null {
    return this.#events.at(-1)?.id ?? null;
  }

  add(event: StreamEvent): void {
    this.#places.set(event.id, this.end);
    this.#events.push(event);
    this.#characters += event.text.length;
    // A tenth at a time: taking single ones off the front would move all others.
    if (this.#events.length > MOST_EVENTS || this.#characters > MOST_CHARACTERS) {
      this.#drop(Math.ceil(this.#events.length / 10));
    }
  }

  /**
   * The place behind an event. Of one not kept any more, or never heard of: of the first one kept with a higher id,
   * and not `known`, because some may be missing in between.
   */
  after(id: string): { readonly place: number; readonly known: boolean } {
    const place = this.#places.get(id);
    if (place !== undefined) return { place: place + 1, known: true };
    const higher = this.#events.findIndex((event) => event.id > id);
    return { place: higher < 0 ? this.end : this.#first + higher, known: false };
  }

  /** Up to `most` from a place on; `null` when it is not kept any more. */
  read(place: number, most: number): readonly StreamEvent[] | null {
    if (place < this.#first) return null;
    return this.#events.slice(place - this.#first, place - this.#first + most);
  }

  #drop(number: number): void {
    for (const { id, text } of this.#events.slice(0, number)) {
      this.#places.delete(id);
      this.#characters -= text.length;
    }
    this.#events = this.#events.slice(number);
    this.#first += number;
  }
}
