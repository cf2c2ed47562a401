/** First in, first out, in constant time; an empty queue holds no memory worth naming. */
export class Queue<Item> {
  #incoming: Item[] = [];
  #outgoing: (Item | undefined)[] = [];
  #next = 0;

  get size(): number {
    return this.#incoming.length + this.#outgoing.length - this.#next;
  }

  push(item: Item): void {
    this.#incoming.push(item);
  }

  shift(): Item | undefined {
    if (this.#next === this.#outgoing.length) {
      const drained = this.#outgoing;
      drained.length = 0;
      this.#next = 0;
      if (this.#incoming.length === 0) return undefined;
      this.#outgoing = this.#incoming;
      this.#incoming = drained as Item[];
    }
    const item = this.#outgoing[this.#next];
    // Let go of it now: the array lives until its last item is taken.
    this.#outgoing[this.#next++] = undefined;
    return item;
  }
}
