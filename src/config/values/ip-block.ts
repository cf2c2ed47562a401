import { BlockList, isIP, isIPv4 } from 'node:net';

/** The addresses of a list of IP addresses and CIDR blocks. */
export interface IpBlocks {
  /** False for anything that is not an address; IPv4-mapped IPv6 counts as IPv4. */
  contains(ip: string): boolean;
}

/**
 * Prepares a list such as `["127.0.0.1", "10.0.0.0/8", "fd00::/8"]` for look-ups.
 * @throws Error naming the first item that is neither an address nor a block
 */
export function parseIpBlocks(items: readonly string[]): IpBlocks {
  const blocks = new BlockList();
  for (const item of items) {
    const [, address = '', prefix] = /^([^/]*)(?:\/([0-9]{1,3}))?$/.exec(item) ?? [];
    const family = isIP(address);
    const bits = family === 4 ? 32 : 128;
    if (family === 0 || (prefix !== undefined && Number(prefix) > bits) || address.includes('%'))
      throw new Error(`${JSON.stringify(item)} is neither an IP address nor a CIDR block`);
    blocks.addSubnet(address, prefix === undefined ? bits : Number(prefix), family === 4 ? 'ipv4' : 'ipv6');
  }
  return {
    contains(ip) {
      const plain = ip.toLowerCase().startsWith('::ffff:') && isIPv4(ip.slice(7)) ? ip.slice(7) : ip;
      const family = isIP(plain);
      return family !== 0 && blocks.check(plain, family === 4 ? 'ipv4' : 'ipv6');
    },
  };
}
