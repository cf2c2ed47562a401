/** Writes under way of which somebody wants to know when all have ended. Remembers nothing of those that have. */

export class Saves {
  #open = 0;
  #waiting: (() => void)[] = [];

  add(save: Promise<unknown>): void {
    this.#open += 1;
    const ended = (): void => {
      this.#open -= 1;
      if (this.#open > 0) return;
      for (const resolve of this.#waiting) resolve();
      this.#waiting = [];
    };
    save.then(ended, ended);
  }

  /** Resolves when none is under way, whether they worked or not. */
  ended(): Promise<void> {
    if (this.#open === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}
