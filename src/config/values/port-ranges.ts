/** Port lists such as `["20000-30000", "9090"]`. Spec 05 §7.1. */

import type { PortRange } from '../types.js';

const HIGHEST_PORT = 65_535;

/**
 * Parses items `N` or `N-M`, without spaces.
 * @throws Error in the reference's words
 */
export function parsePortRanges(items: readonly string[]): readonly PortRange[] {
  return items.map((item) => {
    const parts = item.split('-');
    if (parts.length > 2) throw new Error(`can't parse port range: incorrect range ${item}`);
    const [first = '', last = first] = parts;
    const from = parsePort(first);
    const to = parsePort(last);
    if (from > to) throw new Error(`invalid port range ${first}-${last}`);
    return { from, to };
  });
}

/** The ports of `used` that are not in `excluded`: sorted, disjoint ranges. */
export function subtractPorts(
  used: readonly PortRange[],
  excluded: readonly PortRange[],
): readonly PortRange[] {
  let left = merge(used);
  for (const hole of excluded)
    left = left.flatMap(({ from, to }) => {
      if (hole.to < from || hole.from > to) return [{ from, to }];
      const pieces: PortRange[] = [];
      if (from < hole.from) pieces.push({ from, to: hole.from - 1 });
      if (to > hole.to) pieces.push({ from: hole.to + 1, to });
      return pieces;
    });
  return left;
}

export const countPorts = (ranges: readonly PortRange[]): number =>
  ranges.reduce((sum, { from, to }) => sum + to - from + 1, 0);

function merge(ranges: readonly PortRange[]): PortRange[] {
  const merged: PortRange[] = [];
  for (const range of [...ranges].sort((a, b) => a.from - b.from)) {
    const last = merged.at(-1);
    if (last !== undefined && range.from <= last.to + 1)
      merged[merged.length - 1] = { from: last.from, to: Math.max(last.to, range.to) };
    else merged.push(range);
  }
  return merged;
}

function parsePort(text: string): number {
  if (!/^[+-]?[0-9]+$/.test(text))
    throw new Error(
      `can't parse port number ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`,
    );
  const port = Number(text);
  if (port < 0 || port > HIGHEST_PORT) throw new Error(`invalid port number: ${text}`);
  return port;
}
