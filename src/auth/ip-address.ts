/** IP addresses as text: canonical form, public or not, and the key under which bans are kept. */

import { BlockList, isIP, SocketAddress } from 'node:net';

/** What spec 02 §4.1 does not count as public. 100.64/10 is public there. */
const notPublic = new BlockList();
notPublic.addSubnet('127.0.0.0', 8);
notPublic.addSubnet('169.254.0.0', 16);
notPublic.addSubnet('224.0.0.0', 24);
notPublic.addSubnet('10.0.0.0', 8);
notPublic.addSubnet('172.16.0.0', 12);
notPublic.addSubnet('192.168.0.0', 16);
notPublic.addAddress('::1', 'ipv6');
notPublic.addSubnet('fe80::', 10, 'ipv6');
notPublic.addSubnet('ff02::', 16, 'ipv6');
notPublic.addSubnet('fc00::', 7, 'ipv6');

const MAPPED_IPV4 = '::ffff:';

/**
 * Canonical text of an address: lower case, zeros shortened, IPv4-mapped addresses in their IPv4 form.
 * `undefined` for anything that is not exactly one address (a port, brackets, a zone or a name).
 */
export function canonicalIp(text: string): string | undefined {
  const version = text.includes('%') ? 0 : isIP(text);
  if (version === 0) return undefined;
  if (version === 4) return text;
  const address = new SocketAddress({ address: text, family: 'ipv6' }).address;
  if (address.startsWith(MAPPED_IPV4) && address.includes('.')) return address.slice(MAPPED_IPV4.length);
  return address;
}

/** `ip` must be canonical. */
export function isPublicIp(ip: string): boolean {
  return !notPublic.check(ip, ip.includes(':') ? 'ipv6' : 'ipv4');
}

/**
 * The party behind an address: an IPv4 address itself, of an IPv6 address its first 64 bits. A subscriber of
 * IPv6 holds at least a /64, so a ban per address would cost an attacker nothing and this server memory.
 */
export function banKey(ip: string): string {
  if (!ip.includes(':')) return ip;
  const canonical = canonicalIp(ip);
  if (canonical === undefined || !canonical.includes(':')) return canonical ?? ip.slice(0, 64);
  return `${ipv6Groups(canonical).slice(0, 4).join(':')}::/64`;
}

/** The eight groups of a canonical IPv6 address. */
function ipv6Groups(ip: string): readonly string[] {
  const [head = '', tail] = ip.split('::');
  const before = head === '' ? [] : head.split(':');
  if (tail === undefined) return before;
  const after = tail === '' ? [] : tail.split(':');
  return [...before, ...Array(Math.max(0, 8 - before.length - after.length)).fill('0'), ...after];
}
