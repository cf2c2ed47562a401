/** The graphs of a client: which numbers each shows, and its items. Spec 06 §3.4 and §3.5. */

import { goInstant } from '../go/instant.js';
import { instant } from '../time.js';
import type { Aggregate, Bucket, Column } from './buckets.js';
import { type CardName, cardNames, type NetworkCards } from './network-cards.js';

/** Bytes per second of one Mbit/s. */
const BYTES_PER_MEGABIT = 125_000;

export interface Graph {
  readonly columns: readonly Column[];
  /** One item of the answer. */
  item(bucket: Bucket): object;
}

/** The key of each usage graph in an item, by the name of the graph, with its number. */
const usages = {
  cpu_usage_percent: { key: 'cpu_usage_percent', read: (row) => row.cpuUsagePercent },
  mem_usage_percent: { key: 'memory_usage_percent', read: (row) => row.memoryUsagePercent },
  io_usage_percent: { key: 'io_usage_percent', read: (row) => row.ioUsagePercent },
} as const satisfies Record<string, { readonly key: string; readonly read: Column }>;

/** CPU, memory and waiting for disks together. */
export const combinedGraph: Graph = usageGraph(Object.values(usages));

/** `undefined` when there is no graph of that name, or the client has no such card. */
export function graphOf(name: string, cards: NetworkCards): Graph | undefined {
  if (Object.hasOwn(usages, name)) return usageGraph([usages[name as keyof typeof usages]]);
  for (const cardName of cardNames) {
    const card = cards[cardName];
    if (card === undefined) continue;
    if (name === `net_usage_bps_${cardName}`) return networkGraph(name, cardName, (bps) => bps);
    if (name === `net_usage_percent_${cardName}`) {
      return networkGraph(name, cardName, (bps) => (bps / (BYTES_PER_MEGABIT * card.maxSpeed)) * 100);
    }
  }
  return undefined;
}

/** Whether the name is that of a graph of a card the client does not have; any name may end like that. */
export const needsMissingCard = (name: string, cards: NetworkCards): boolean =>
  cardNames.some((card) => name.endsWith(`_${card}`) && cards[card] === undefined);

/** Names of the graphs this client has. */
export const graphNames = (cards: NetworkCards): readonly string[] => [
  ...Object.keys(usages),
  ...cardNames
    .filter((card) => cards[card] !== undefined)
    .flatMap((card) => [`net_usage_percent_${card}`, `net_usage_bps_${card}`]),
];

function usageGraph(shown: readonly { readonly key: string; readonly read: Column }[]): Graph {
  return {
    columns: shown.map(({ read }) => read),
    item: ({ timestamp, columns }) => ({
      timestamp: goInstant(instant(timestamp)),
      ...Object.fromEntries(shown.map(({ key }, index) => [key, withoutZeros(columns[index] ?? null)])),
    }),
  };
}

function networkGraph(name: string, card: CardName, scale: (bytesPerSecond: number) => number): Graph {
  const direction =
    (which: 'in' | 'out'): Column =>
    ({ netLan, netWan }) =>
      (card === 'lan' ? netLan : netWan)?.[which] ?? null;
  const shown = (prefix: string, aggregate: Aggregate | null | undefined): object =>
    aggregate === null || aggregate === undefined
      ? {}
      : {
          [`${prefix}_avg`]: scale(aggregate.avg),
          [`${prefix}_min`]: scale(aggregate.min),
          [`${prefix}_max`]: scale(aggregate.max),
        };
  return {
    columns: [direction('in'), direction('out')],
    item: ({ timestamp, columns: [received, sent] }) => ({
      timestamp: goInstant(instant(timestamp)),
      [name]: { ...shown('in', received), ...shown('out', sent) },
    }),
  };
}

/** The reference leaves out what is exactly 0, so an idle machine has `{}`. */
const withoutZeros = (aggregate: Aggregate | null): object =>
  Object.fromEntries(Object.entries(aggregate ?? {}).filter(([, value]) => value !== 0));
