/** Whether a stored tunnel can open by itself. Titles and codes are those of `PUT …/tunnels` (spec 05 §3.3). */

import { isIPv6 } from 'node:net';
import { AppError } from '../../errors.js';
import { goQuote } from '../../go/quote.js';
import { parseAcl } from '../acl.js';
import { parseRemote } from '../parse-remote.js';
import type { Remote } from '../remote.js';
import { targetAddress } from '../remote-text.js';
import { checkScheme } from '../request.js';
import type { StoredTunnelInput } from './stored-tunnel.js';

const HIGHEST_PORT = 65_535;

/**
 * Throws `AppError` 400.
 * @param remote what would be opened for it
 * @param isAllowed whether tunnels may listen on a port
 */
export function checkAutoOpen(
  input: StoredTunnelInput,
  remote: Remote,
  isAllowed: (port: number) => boolean,
): void {
  const { remotePort, publicPort } = input;
  if (remotePort === null) throw refusal('auto_open requires remote_port');
  checkPort(remotePort, 'remote');
  if (!isHost(remote)) throw refusal(`failed to decode ${goQuote(targetAddress(remote))}: Invalid host`);
  checkScheme(remote.scheme ?? '');
  const acl = parseAcl(remote.acl);
  if (!acl.ok) throw refusal(`Invalid ACL: ${acl.error}`, 'ERR_CODE_INVALID_ACL');
  if (publicPort === null) return;
  checkPort(publicPort, 'local');
  if (!isAllowed(publicPort)) throw refusal(`Local port ${publicPort} is not among allowed ports.`);
}

function checkPort(port: number, which: 'remote' | 'local'): void {
  if (port < 1 || port > HIGHEST_PORT) throw refusal(`Invalid ${which} port: ${port}.`);
}

/** A name or an address, and nothing that would read as a port or a protocol. */
function isHost({ rhost, rport }: Remote): boolean {
  if (isIPv6(rhost)) return true;
  const parsed = parseRemote(`${rhost}:${rport}`);
  return parsed.ok && parsed.value.rhost === rhost && parsed.value.lhost === '' && parsed.value.lport === '';
}

const refusal = (title: string, apiCode = ''): AppError => new AppError('bad_request', { title, apiCode });
