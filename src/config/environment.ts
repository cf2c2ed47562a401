/** Settings from environment variables `RPORTD_<SECTION>_<KEY>`, dashes written as underscores. */

import { acceptedPaths } from './deprecated.js';
import type { Layer } from './layer.js';

const PREFIX = 'RPORTD_';

const variableOf = (path: string): string => PREFIX + path.replace(/[.-]/g, '_').toUpperCase();
const pathByVariable: ReadonlyMap<string, string> = new Map(
  acceptedPaths.map((path) => [variableOf(path), path]),
);

export interface EnvironmentSettings {
  readonly layer: Layer;
  /** Variables with our prefix that name no key. */
  readonly unknown: readonly string[];
}

/** An empty variable counts as not set. */
export function readEnvironment(env: Readonly<Record<string, string | undefined>>): EnvironmentSettings {
  const layer = new Map<string, string>();
  const unknown: string[] = [];
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith(PREFIX) || value === undefined || value === '') continue;
    const path = pathByVariable.get(name);
    if (path === undefined) unknown.push(name);
    else layer.set(path, value);
  }
  return { layer, unknown };
}
