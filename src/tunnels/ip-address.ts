/** IP addresses as numbers, read by the strict rules of Go's `net.ParseIP`: no leading zeros, no zones. */

/** Eight 16-bit groups. An IPv4 address takes its mapped form `::ffff:a.b.c.d`. */
export type IpAddress = Uint16Array;

const GROUPS = 8;
/** Longest textual IPv6 address, `ffff:…:255.255.255.255`. */
const LONGEST_TEXT = 45;
/** Groups before the IPv4 part of a mapped address. */
const MAPPED_PREFIX = [0, 0, 0, 0, 0, 0xffff] as const;

/** `undefined` when `text` is not an address. */
export function parseIpAddress(text: string): IpAddress | undefined {
  if (text.length > LONGEST_TEXT) return undefined;
  if (text.includes(':')) return parseIpv6(text);
  const ipv4 = parseIpv4(text);
  return ipv4 && Uint16Array.of(...MAPPED_PREFIX, ...ipv4);
}

/** Whether this is an IPv4 address, also when it was written as a mapped one. */
export const isIpv4 = (address: IpAddress): boolean =>
  MAPPED_PREFIX.every((group, index) => address[index] === group);

/** The text Go prints. */
export function formatIpAddress(address: IpAddress): string {
  const [, , , , , , high = 0, low = 0] = address;
  if (isIpv4(address)) return `${high >> 8}.${high & 0xff}.${low >> 8}.${low & 0xff}`;
  const groups = Array.from(address, (group) => group.toString(16)).join(':');
  const runs = groups.match(/\b0(?::0)+\b/g) ?? [];
  const longest = runs.reduce((best, run) => (run.length > best.length ? run : best), '');
  if (longest === '') return groups;
  const start = groups.search(new RegExp(`(?<![0-9a-f])${longest}(?![0-9a-f])`));
  const before = groups.slice(0, start).replace(/:$/, '');
  const after = groups.slice(start + longest.length).replace(/^:/, '');
  return `${before}::${after}`;
}

function parseIpv4(text: string): [number, number] | undefined {
  const match = /^([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})$/.exec(text);
  if (!match) return undefined;
  const bytes = match.slice(1).map(Number);
  if (match.slice(1).some((part) => part.length > 1 && part.startsWith('0'))) return undefined;
  if (bytes.some((byte) => byte > 0xff)) return undefined;
  const [a = 0, b = 0, c = 0, d = 0] = bytes;
  return [(a << 8) | b, (c << 8) | d];
}

function parseIpv6(text: string): IpAddress | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = parseGroups(halves[0] ?? '', halves.length === 1);
  const tail = halves.length === 2 ? parseGroups(halves[1] ?? '', true) : [];
  if (!head || !tail) return undefined;
  const missing = GROUPS - head.length - tail.length;
  // `::` stands for at least one group.
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  return Uint16Array.of(...head, ...new Array<number>(missing).fill(0), ...tail);
}

/** `last`: the text ends the address, where four decimal bytes may stand. */
function parseGroups(text: string, last: boolean): number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      groups.push(Number.parseInt(part, 16));
      continue;
    }
    const ipv4 = last && index === parts.length - 1 ? parseIpv4(part) : undefined;
    if (!ipv4) return undefined;
    groups.push(...ipv4);
  }
  return groups;
}
