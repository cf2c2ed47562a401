import { isIPv4 } from 'node:net';

/** The last number of an IPv4 address as `x`; anything else as it is. Spec 03 §12.1. */
export const obfuscateIp = (address: string): string =>
  isIPv4(address) ? address.replace(/\d+$/, 'x') : address;
