/** First in, first out, in constant time; an empty queue holds no memory worth naming. */
export class Queue<Item extends object> {
  /** Of a queue with one item, which most are: arrays would grow and shrink with each. */
  #first: Item | undefined;
  #incoming: Item[] = [];
  #outgoing: (Item | undefined)[] = [];
  #next = 0;

  get size(): number {
    return (this.#first === undefined ? 0 : 1) + this.#incoming.length + this.#outgoing.length - this.#next;
  }

  push(item: Item): void {
    if (this.size === 0) this.#first = item;
    else this.#incoming.push(item);
  }

  shift(): Item | undefined {
    const first = this.#first;
    if (first !== undefined) {
      this.#first = undefined;
      return first;
    }
    if (this.#next === this.#outgoing.length) {
      const drained = this.#outgoing;
      if (this.#next > 0) {
        drained.length = 0;
        this.#next = 0;
      }
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
