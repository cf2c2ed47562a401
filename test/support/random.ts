/** Random choices that are the same in every run: a failing case can be repeated by its seed. */

export interface Random {
  /** From 0 up to, but without, `end`. */
  below(end: number): number;
  pick<Item>(items: readonly Item[]): Item;
  /** `true` once in `times`. */
  once(times: number): boolean;
  list<Item>(most: number, make: () => Item): Item[];
}

/** The generator `mulberry32`. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (end: number): number => Math.floor(next() * end);
  return {
    below,
    pick: (items) => items[below(items.length)] as (typeof items)[number],
    once: (times) => below(times) === 0,
    list: (most, make) => Array.from({ length: below(most + 1) }, make),
  };
}
