/** Spellings of keys: documentation and users write them with hyphens, underscores and capitals. Spec 02 §15.2. */

import type { Restriction } from '../groups/group.js';

/** In lower case, with underscores. */
export const normalKey = (key: string): string => key.toLowerCase().replaceAll('-', '_');

/** All values of a restriction under one key, whatever its spelling. */
export const valuesOf = (restriction: Restriction, key: string): readonly unknown[] =>
  Object.entries(restriction)
    .filter(([name]) => normalKey(name) === key)
    .map(([, value]) => value);
