/** The network cards an agent watches, as its configuration names them. Spec 06 §5. */

export const cardNames = ['lan', 'wan'] as const;
export type CardName = (typeof cardNames)[number];

export interface NetworkCard {
  /** Mbit/s. */
  readonly maxSpeed: number;
}

/** By name; one that is not configured is absent. */
export type NetworkCards = Readonly<Partial<Record<CardName, NetworkCard>>>;

/** `configuration`: the JSON text of the agent, which may hold anything, or `null` when it sent none. */
export function networkCards(configuration: string | null): NetworkCards {
  const monitoring = member(parse(configuration), 'monitoring');
  const cards: Partial<Record<CardName, NetworkCard>> = {};
  for (const name of cardNames) {
    const maxSpeed = member(member(monitoring, `${name}_card`), 'max_speed');
    // Agents check it themselves. Nothing can be a share of no speed.
    if (typeof maxSpeed === 'number' && maxSpeed > 0) cards[name] = { maxSpeed };
  }
  return cards;
}

function parse(text: string | null): unknown {
  if (text === null) return null;
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function member(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Record<string, unknown>)[name];
}
