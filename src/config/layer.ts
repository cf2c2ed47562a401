/** One source of settings (file, environment, flags): raw values by `section.key`, lower case. */

import type { RawValue } from './values/coerce.js';

export type Layer = ReadonlyMap<string, RawValue>;

/** Later layers win. */
export const mergeLayers = (...layers: readonly Layer[]): Layer =>
  new Map(layers.flatMap((layer) => [...layer]));
