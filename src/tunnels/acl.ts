/** Who may connect to a tunnel. Spec 05 §9. */

import type { Parsed } from '../go/parsed.js';
import { formatIpAddress, type IpAddress, isIpv4, parseIpAddress } from './ip-address.js';

interface Network {
  readonly ipv4: boolean;
  /** Of the 128 bits. */
  readonly prefix: number;
  readonly mask: IpAddress;
  /** Already masked. */
  readonly address: IpAddress;
}

export interface Acl {
  /** `peer` as a socket reports it; IPv4-mapped addresses count as IPv4. */
  allows(peer: string): boolean;
}

/** IPv6 addresses have 128 bits; an IPv4 address sits in the last 32 of them. */
const BITS = 128;
const IPV4_OFFSET = 96;
/** Characters. Some five hundred networks: each new connection is compared with all of them. */
const LONGEST_ACL = 8192;

/**
 * Reads a comma-separated list of addresses and CIDR blocks; spaces are not trimmed. `null` and empty text mean
 * that everybody may connect, which is the value `null`. The error is the reason as API callers see it.
 */
export function parseAcl(text: string | null): Parsed<Acl | null> {
  if (text === null || text === '') return { ok: true, value: null };
  if (text.length > LONGEST_ACL) return { ok: false, error: `longer than ${LONGEST_ACL} characters` };
  const networks: Network[] = [];
  for (const entry of text.split(',')) {
    const network = parseEntry(entry);
    if (!network.ok) return network;
    networks.push(network.value);
  }
  return {
    ok: true,
    value: {
      allows(peer) {
        const address = parseIpAddress(withoutZone(peer));
        if (!address) return false;
        const ipv4 = isIpv4(address);
        return networks.some((network) => network.ipv4 === ipv4 && contains(network, address));
      },
    },
  };
}

/**
 * Whether every address of `entry` is one of `listed`; both are addresses or CIDR blocks. `listed` may also be
 * everyone, such as `0.0.0.0/0`. What is neither covers nothing and is covered by nothing.
 */
export function aclEntryCovers(listed: string, entry: string): boolean {
  const outer = parseNetwork(listed);
  const inner = parseNetwork(entry);
  if (!outer.ok || !inner.ok) return false;
  const { ipv4, prefix, address } = inner.value;
  return outer.value.ipv4 === ipv4 && outer.value.prefix <= prefix && contains(outer.value, address);
}

function parseEntry(entry: string): Parsed<Network> {
  const parsed = parseNetwork(entry);
  const slash = entry.indexOf('/');
  const address = parsed.ok ? parseIpAddress(slash < 0 ? entry : entry.slice(0, slash)) : undefined;
  return (address && everyone(address)) ?? parsed;
}

function parseNetwork(entry: string): Parsed<Network> {
  const slash = entry.indexOf('/');
  const address = parseIpAddress(slash < 0 ? entry : entry.slice(0, slash));
  if (slash < 0) {
    if (!address) return { ok: false, error: `invalid IP addr: ${entry}` };
    return { ok: true, value: network(address, BITS) };
  }
  const prefixText = entry.slice(slash + 1);
  // Written with colons, even a mapped address counts its prefix in 128 bits.
  const offset = entry.slice(0, slash).includes(':') ? 0 : IPV4_OFFSET;
  const prefix = /^[0-9]+$/.test(prefixText) ? Number(prefixText) : Number.POSITIVE_INFINITY;
  if (!address || prefix + offset > BITS) return { ok: false, error: `invalid CIDR address: ${entry}` };
  return { ok: true, value: network(address, prefix + offset) };
}

function everyone(address: IpAddress): Parsed<never> | undefined {
  const text = formatIpAddress(address);
  if (text !== '0.0.0.0' && text !== '::') return undefined;
  return {
    ok: false,
    error: `${text} would allow access to everyone. If that's what you want, do not set the ACL`,
  };
}

function network(address: IpAddress, prefix: number): Network {
  const mask = new Uint16Array(address.length);
  for (let group = 0; group < mask.length; group += 1) {
    const bits = Math.min(Math.max(prefix - group * 16, 0), 16);
    mask[group] = 0xffff << (16 - bits);
  }
  // A prefix that reaches above the mapped range (such as ::ffff:0:0/90) describes IPv6 addresses.
  const ipv4 = isIpv4(address) && prefix >= IPV4_OFFSET;
  return { ipv4, prefix, mask, address: address.map((group, index) => group & (mask[index] ?? 0)) };
}

function contains(network: Network, address: IpAddress): boolean {
  for (let group = 0; group < address.length; group += 1) {
    if (((address[group] ?? 0) & (network.mask[group] ?? 0)) !== network.address[group]) return false;
  }
  return true;
}

/** Link-local peers carry the interface they came in on. */
function withoutZone(peer: string): string {
  const percent = peer.indexOf('%');
  return percent < 0 ? peer : peer.slice(0, percent);
}
