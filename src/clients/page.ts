/** Pages of lists, as they are answered and kept. */

import type { Principal } from '../auth/principal.js';
import { visibilityKey } from './visibility.js';

/** One page of a list: a serialised JSON array of the items and the count before pagination. */
export interface Page {
  readonly items: string;
  readonly count: number;
}

/** Of each list. Requests of a web interface repeat themselves, filters typed by users do not. */
export const PAGE_ENTRIES = 256;
export const PAGE_CHARACTERS = 8 * 1024 * 1024;

/** Equal for requests that have the same answer until something changes. */
export const pageKey = (viewer: Principal, options: readonly unknown[]): string =>
  `${visibilityKey(viewer)}\n${JSON.stringify(options)}`;
