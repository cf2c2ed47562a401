/** Spec 03 §3.3. */

import type { ListOptions } from './types.js';

/** The items of the page and the number before slicing. Beyond the end: none, with the count kept. */
export function paginate<Item>(
  items: readonly Item[],
  { offset, limit }: Pick<ListOptions, 'offset' | 'limit'>,
): { readonly items: readonly Item[]; readonly count: number } {
  return { items: items.slice(offset, offset + limit), count: items.length };
}
