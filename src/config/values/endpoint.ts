/** Addresses that secrets are sent to. */

import { BlockList, isIPv4 } from 'node:net';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8);

/**
 * Checks an absolute `https` URL without user information and fragment. `http` is allowed where nobody can listen in:
 * to this machine itself.
 * @throws Error with the reason, without the URL (it may hold a secret)
 */
export function checkEndpoint(text: string): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (/[\u0000-\u0020\u007f]/.test(text)) throw new Error('it holds blanks or control characters');
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new Error('it is no absolute URL');
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw new Error('scheme must be https');
  if (url.protocol === 'http:' && !isLoopback(url)) throw new Error('http is allowed for this machine only');
  if (url.username !== '' || url.password !== '') throw new Error('it must not hold credentials');
  if (url.hash !== '') throw new Error('it must not hold a fragment');
}

const isLoopback = ({ hostname }: URL): boolean =>
  hostname === 'localhost' || hostname === '[::1]' || (isIPv4(hostname) && loopback.check(hostname, 'ipv4'));
