/** Text of a peer's address from its network bytes. */

/** The first 12 bytes of an IPv6 address that holds an IPv4 one (`::ffff:a.b.c.d`). */
const MAPPED_PREFIX_BYTES = 12;

/**
 * Dotted text for 4 bytes and for IPv4-mapped ones, RFC 5952 text for other 16 bytes, empty for anything else
 * (a peer that has already left).
 */
export function peerAddress(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  if (bytes.length !== 16) return '';
  return isMapped(bytes) ? bytes.subarray(MAPPED_PREFIX_BYTES).join('.') : ipv6Text(bytes);
}

function isMapped(bytes: Uint8Array): boolean {
  for (let i = 0; i < 10; i += 1) if (bytes[i] !== 0) return false;
  return bytes[10] === 0xff && bytes[11] === 0xff;
}

function ipv6Text(bytes: Uint8Array): string {
  const groups: number[] = [];
  for (let i = 0; i < 16; i += 2) groups.push(((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0));
  const gap = longestZeroRun(groups);
  const text = (part: number[]): string => part.map((group) => group.toString(16)).join(':');
  if (gap.length < 2) return text(groups);
  return `${text(groups.slice(0, gap.start))}::${text(groups.slice(gap.start + gap.length))}`;
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  groups.forEach((group, index) => {
    if (group !== 0) start = index + 1;
    else if (index + 1 - start > best.length) best = { start, length: index + 1 - start };
  });
  return best;
}
