/**
 * The address of a caller. `X-Forwarded-For` counts only when the TCP peer is a configured trusted proxy;
 * otherwise anybody could choose whom to ban. Spec 02 §4.1, decisions "X-Forwarded-For".
 */

import { BlockList } from 'node:net';
import { canonicalIp, isPublicIp } from './ip-address.js';

/** `peer` without port; `forwardedFor` is the value of `forwardedFor`, empty when absent. */
export type CallerIp = (peer: string, forwardedFor: string) => string;

/**
 * All `X-Forwarded-For` lines as one. Some proxies add a line of their own behind the caller's instead of
 * appending to it, so the first one alone would be what the caller has made up.
 */
export function forwardedFor(headers: readonly (readonly [name: string, value: string])[]): string {
  let hops = '';
  for (const [name, value] of headers) {
    if (name === 'x-forwarded-for') hops = hops === '' ? value : `${hops},${value}`;
  }
  return hops;
}

/** Hops looked at, from the end of the header; an honest chain is far shorter. */
const MAX_HOPS = 32;

/**
 * Makes the function for one listener. `trustedProxies`: addresses or CIDR blocks.
 * Throws `Error` on an entry that is neither, naming it.
 */
export function createCallerIp(trustedProxies: readonly string[]): CallerIp {
  if (trustedProxies.length === 0) return (peer) => canonicalIp(peer) ?? peer;
  const trusted = trustList(trustedProxies);
  const isTrusted = (ip: string): boolean => trusted.check(ip, ip.includes(':') ? 'ipv6' : 'ipv4');
  return (peerText, forwardedFor) => {
    const peer = canonicalIp(peerText) ?? peerText;
    if (forwardedFor === '' || canonicalIp(peerText) === undefined || !isTrusted(peer)) return peer;
    // From the right: what stands there was appended by the proxy, what stands left of it the caller may have
    // invented, be it public or not. (The reference takes the first public one, so a caller could write himself
    // another address.)
    let caller = peer;
    for (const hop of forwardedFor.split(',').slice(-MAX_HOPS).reverse()) {
      const ip = canonicalIp(hop.trim());
      if (ip === undefined) break;
      caller = ip;
      if (!isTrusted(ip)) break;
    }
    return isPublicIp(caller) || !isPublicIp(peer) ? caller : peer;
  };
}

export interface Caller {
  readonly ip: string;
  /** The TCP peer is a trusted proxy, so what its headers say is believed. */
  readonly fromTrustedProxy: boolean;
}

/** Like `createCallerIp`, and says whether the peer itself is trusted. */
export function createCallerOf(
  trustedProxies: readonly string[],
): (peer: string, forwardedFor: string) => Caller {
  const callerIp = createCallerIp(trustedProxies);
  const trusted = trustList(trustedProxies);
  return (peer, forwardedFor) => {
    const address = trustedProxies.length === 0 ? undefined : canonicalIp(peer);
    return {
      ip: callerIp(peer, forwardedFor),
      fromTrustedProxy:
        address !== undefined && trusted.check(address, address.includes(':') ? 'ipv6' : 'ipv4'),
    };
  };
}

function trustList(entries: readonly string[]): BlockList {
  const list = new BlockList();
  for (const entry of entries) {
    const [address = '', prefix, ...rest] = entry.trim().split('/');
    const ip = canonicalIp(address);
    const bits = prefix === undefined ? undefined : Number(prefix);
    if (ip === undefined || rest.length > 0 || (prefix !== undefined && !/^\d{1,3}$/.test(prefix))) {
      throw new Error(`invalid trusted proxy ${JSON.stringify(entry)}: expected an address or a CIDR block`);
    }
    const family = ip.includes(':') ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(ip, family);
    else if (bits <= (family === 'ipv6' ? 128 : 32)) list.addSubnet(ip, bits, family);
    else throw new Error(`invalid trusted proxy ${JSON.stringify(entry)}: the prefix is too long`);
  }
  return list;
}
