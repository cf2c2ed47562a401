/** The query of `PUT /clients/{client_id}/tunnels`. Spec 05 §3.1 and steps 3 to 9 of §3.3. */

import { AppError } from '../errors.js';
import { parseGoBool } from '../go/bool.js';
import { formatGoDuration, parseGoDuration } from '../go/duration.js';
import { parseGoInteger } from '../go/integer.js';
import { goQuote } from '../go/quote.js';
import type { Nanoseconds } from '../time.js';
import { parseAcl } from './acl.js';
import { parseRemote, type RemoteAddress } from './parse-remote.js';
import type { Remote } from './remote.js';

export interface TunnelQuery {
  /** First value of `name`, or `undefined`. */
  get(name: string): string | undefined;
}

export interface TunnelRequest {
  readonly remote: Remote;
  /** Whether the agent is to try the target port first. */
  readonly checkPort: boolean;
}

/** Bytes. */
const LONGEST_SCHEME = 15;
/** Characters of a name or an address; what is stored and read back has this limit (`remote-json.ts`). */
const LONGEST_TEXT = 8192;
const DEFAULT_IDLE_MINUTES = 5;
const LONGEST_IDLE_MINUTES = 10_080;
const NANOSECONDS_PER_MINUTE: Nanoseconds = 60_000_000_000;
const LONGEST_AUTO_CLOSE: Nanoseconds = 31 * 24 * 60 * NANOSECONDS_PER_MINUTE;

/** Throws 400 with the reference's titles. `owner` is the API user. */
export function readTunnelRequest(query: TunnelQuery, owner: string): TunnelRequest {
  const param = (name: string): string => query.get(name) ?? '';
  for (const name of ['local', 'remote', 'name']) {
    if (param(name).length > LONGEST_TEXT) throw refusal(`${name} is longer than ${LONGEST_TEXT} characters`);
  }
  const address = readAddress(param('local'), param('remote'), param('protocol'));
  const scheme = param('scheme');
  checkScheme(scheme);
  refuseProxyOptions(param);
  const idleTimeoutMinutes = readIdleTimeout(param('idle-timeout-minutes'), param('skip-idle-timeout'));
  const autoClose = readAutoClose(param('auto-close'));
  const acl = param('acl');
  const parsedAcl = parseAcl(acl);
  if (!parsedAcl.ok) throw refusal(`Invalid ACL: ${parsedAcl.error}`, '', 'ERR_CODE_INVALID_ACL');
  if (address.protocol !== 'tcp') throw refusal(`tunnels of protocol ${address.protocol} are not supported`);
  return {
    remote: {
      name: param('name'),
      ...address,
      lportRandom: false,
      owner,
      scheme: scheme || null,
      acl: acl || null,
      idleTimeoutMinutes,
      autoClose,
      httpProxy: false,
      hostHeader: '',
      authUser: '',
      authPassword: '',
      tunnelUrl: '',
    },
    // quirk: `false` does not turn it off.
    checkPort: param('check_port') !== '0',
  };
}

function readAddress(local: string, remote: string, protocol: string): RemoteAddress {
  const text = `${local === '' ? '' : `${local}:`}${remote}${protocol === '' ? '' : `/${protocol}`}`;
  const parsed = parseRemote(text);
  if (!parsed.ok) throw refusal(`failed to decode ${goQuote(text)}: ${parsed.error}`);
  return parsed.value;
}

/** Throws `AppError` 400. */
export function checkScheme(scheme: string): void {
  if (Buffer.byteLength(scheme) > LONGEST_SCHEME) {
    throw refusal('Invalid URI scheme.', 'Exceeds the max length.', 'ERR_CODE_URI_SCHEME_LENGTH_EXCEED');
  }
}

/** Steps 5 and 6. This server has no proxy in front of tunnels, which is the reference's answer without one. */
function refuseProxyOptions(param: (name: string) => string): void {
  const wanted = parseGoBool(param('http_proxy') || 'false');
  if (!wanted.ok) throw refusal(wanted.error);
  if (wanted.value) throw refusal('creation of tunnel proxy not enabled');
  if (param('host_header') !== '') throw refusal('host_header not allowed when http_proxy is false');
  if (param('auth_user') !== '' || param('auth_password') !== '') {
    throw refusal('http basic authentication requires http_proxy to be activated on the requested tunnel');
  }
}

function readIdleTimeout(minutes: string, skip: string): number {
  const parsedSkip = parseGoBool(skip);
  const skipped = parsedSkip.ok && parsedSkip.value;
  if (minutes !== '' && skipped) {
    // quirk: the minutes appear twice.
    throw refusal(
      `conflicting parameters idle timeout ${minutes} and skip idle timeout ${minutes}, either decide for skipping an idle timeout or provide a non empty timeout value`,
    );
  }
  if (skipped) return 0;
  if (minutes === '') return DEFAULT_IDLE_MINUTES;
  const parsed = parseGoInteger(minutes);
  if (!parsed.ok) throw refusal('invalid idle timeout param', parsed.error);
  if (parsed.value < 0 || parsed.value > LONGEST_IDLE_MINUTES) {
    // quirk: the typing error, and nanoseconds.
    throw refusal(
      `idle timeoout param should be in range [0,${LONGEST_IDLE_MINUTES * NANOSECONDS_PER_MINUTE}]`,
    );
  }
  return parsed.value;
}

function readAutoClose(text: string): Nanoseconds {
  if (text === '') return 0;
  let duration: Nanoseconds;
  try {
    duration = parseGoDuration(text);
  } catch (error) {
    throw refusal('invalid tunnel auto-close format', (error as Error).message);
  }
  if (duration < 0) throw refusal('tunnel auto-close value should be more than 0');
  if (duration > LONGEST_AUTO_CLOSE) {
    throw refusal(`tunnel auto-close value should not be more than ${formatGoDuration(LONGEST_AUTO_CLOSE)}`);
  }
  return duration;
}

const refusal = (title: string, detail = '', apiCode = ''): AppError =>
  new AppError('bad_request', { title, detail, apiCode });
