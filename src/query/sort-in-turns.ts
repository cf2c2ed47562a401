/** Sorting of many items without holding the thread. */

/** Sorted at once: about half a millisecond with a plain comparison. */
const RUN = 1_000;
/** Merged until others have their turn: about a millisecond. */
const MERGED_PER_TURN = 5_000;

/** A stable merge sort that yields between its steps; `items` stay as they are. */
export function* sortInTurns<Item>(
  items: readonly Item[],
  compare: (one: Item, other: Item) => number,
): Generator<void, Item[]> {
  let runs: Item[][] = [];
  for (let from = 0; from < items.length; from += RUN) {
    if (from > 0) yield;
    runs.push(items.slice(from, from + RUN).sort(compare));
  }
  while (runs.length > 1) {
    const merged: Item[][] = [];
    for (let at = 0; at < runs.length; at += 2) {
      merged.push(yield* merge(runs[at] ?? [], runs[at + 1] ?? [], compare));
    }
    runs = merged;
  }
  return runs[0] ?? [];
}

function* merge<Item>(
  left: Item[],
  right: Item[],
  compare: (one: Item, other: Item) => number,
): Generator<void, Item[]> {
  if (right.length === 0) return left;
  const merged: Item[] = [];
  let [inLeft, inRight] = [0, 0];
  while (inLeft < left.length && inRight < right.length) {
    const [one, other] = [left[inLeft] as Item, right[inRight] as Item];
    // Equal ones: the left one was first.
    if (compare(one, other) <= 0) {
      merged.push(one);
      inLeft++;
    } else {
      merged.push(other);
      inRight++;
    }
    if (merged.length % MERGED_PER_TURN === 0) yield;
  }
  return merged.concat(left.slice(inLeft), right.slice(inRight));
}
