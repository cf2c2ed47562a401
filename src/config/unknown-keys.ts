/** Names settings nobody reads, with a guess at what was meant. */

import { acceptedPaths } from './deprecated.js';
import type { ConfigWarning } from './warning.js';

/** A longer name is no misspelling of ours, and comparing it would be wasted time. */
const LONGEST_COMPARED = 64;
/** A guess may differ from the key in a third of its letters, and always in two. */
const tolerance = (name: string): number => Math.max(2, Math.floor(name.length / 3));

/** One warning for all unknown keys among these; none when every key is known. */
export function warnOfUnknownKeys(paths: readonly string[]): readonly ConfigWarning[] {
  const known = new Set(acceptedPaths);
  const unknown = paths.filter((path) => !known.has(path));
  if (unknown.length === 0) return [];
  const named = unknown.map((path) => {
    const guess = nearestKey(path);
    return guess === undefined ? path : `${path} (did you mean ${guess}?)`;
  });
  return [{ level: 'info', message: `warning: unknown settings are ignored: ${named.join(', ')}` }];
}

/** The most similar key, or else the same key in another section; `undefined` when nothing is near. */
export function nearestKey(path: string): string | undefined {
  if (path.length > LONGEST_COMPARED) return undefined;
  const [, name = path] = splitPath(path);
  let best: string | undefined;
  let least = tolerance(name) + 1;
  for (const known of acceptedPaths) {
    const distance = editDistance(path, known);
    if (distance >= least) continue;
    least = distance;
    best = known;
  }
  return best ?? acceptedPaths.find((known) => splitPath(known)[1] === name);
}

function splitPath(path: string): [section: string, name: string | undefined] {
  const dot = path.indexOf('.');
  return dot < 0 ? [path, undefined] : [path.slice(0, dot), path.slice(dot + 1)];
}

/** Levenshtein distance. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const substitution = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      current.push(Math.min(substitution, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}
