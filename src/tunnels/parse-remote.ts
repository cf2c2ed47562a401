/** The textual form of a remote, as in `local`/`remote` of the API and in agents' configuration. Spec 05 §3.2. */

import type { Parsed } from '../go/parsed.js';
import type { Remote, TunnelProtocol } from './remote.js';

export type RemoteAddress = Pick<Remote, 'protocol' | 'lhost' | 'lport' | 'rhost' | 'rport'>;

/** `0.0.0.0` means every address of this machine, IPv6 included. Spec 05 §7.3. */
export const ANY_HOST = '0.0.0.0';
const LOOPBACK = '127.0.0.1';
/** `lhost:lport:rhost:rport` */
const MOST_PARTS = 4;
/** No suffix is the end of another one, so the order does not matter. */
const protocols: readonly TunnelProtocol[] = ['tcp', 'udp', 'tcp+udp'];

/** Error: `Invalid remote`, `Missing ports` or `Invalid host`. Ports are not range-checked here. */
export function parseRemote(text: string): Parsed<RemoteAddress> {
  const protocol = protocols.find((name) => text.endsWith(`/${name}`));
  const address = protocol ? text.slice(0, -(protocol.length + 1)) : text;
  const parts = address.split(':', MOST_PARTS + 1);
  if (parts.length > MOST_PARTS) return { ok: false, error: 'Invalid remote' };

  let lhost = '';
  let lport = '';
  let rhost = '';
  let rport = '';
  // Right to left: the first port and host belong to the target, each further one replaces the local one.
  for (const part of parts.reverse()) {
    if (/^[0-9]+$/.test(part)) {
      if (rport === '') rport = part;
      else lport = part;
      continue;
    }
    if (rport === '') return { ok: false, error: 'Missing ports' };
    if (!isHost(part)) return { ok: false, error: 'Invalid host' };
    if (rhost === '') rhost = part;
    else lhost = part;
  }
  if (lhost === '' && lport !== '') lhost = ANY_HOST;
  return { ok: true, value: { protocol: protocol ?? 'tcp', lhost, lport, rhost: rhost || LOOPBACK, rport } };
}

/** The reference asks whether the text parses as a URL reference, so nearly everything passes. */
function isHost(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  if (/[\x00-\x1f\x7f]/.test(text)) return false;
  const [beforeFragment = '', ...fragment] = text.split('#');
  const [path = ''] = beforeFragment.split('?', 1);
  return hasGoodEscapes(path) && hasGoodEscapes(fragment.join('#'));
}

const hasGoodEscapes = (text: string): boolean => !/%(?![0-9a-fA-F]{2})/.test(text);
