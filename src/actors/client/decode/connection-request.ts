/** The `new_connection` request: what an agent says about itself. Spec 01 §6.2. */

import { redactConfiguration } from '../../../clients/configuration-redaction.js';
import type { Remote } from '../../../tunnels/remote.js';
import { remoteFromJson } from '../../../tunnels/remote-json.js';
import { DecodeError, GoObject, parseObject } from './go-json.js';

/** All fields are optional on the wire; here absent ones have their zero value. */
export interface ConnectionRequest {
  readonly id: string;
  readonly name: string;
  /** Same for all connections of one agent process; empty from old agents. */
  readonly sessionId: string;
  readonly os: string;
  readonly osFullName: string;
  readonly osVersion: string;
  readonly osVirtualizationSystem: string;
  readonly osVirtualizationRole: string;
  readonly osArch: string;
  readonly osFamily: string;
  readonly osKernel: string;
  readonly version: string;
  readonly hostname: string;
  readonly cpuFamily: string;
  readonly cpuModel: string;
  readonly cpuModelName: string;
  readonly cpuVendor: string;
  readonly numCpus: number;
  /** Bytes. */
  readonly memTotal: number;
  readonly timezone: string;
  readonly ipv4: readonly string[] | null;
  readonly ipv6: readonly string[] | null;
  readonly tags: readonly string[] | null;
  readonly labels: Readonly<Record<string, string>> | null;
  readonly remotes: readonly Remote[];
  /** JSON text with its secrets blanked; `null` when there is none, or more than is kept. */
  readonly clientConfiguration: string | null;
}

/** Bytes in UTF-8; ids are keys of the store, which takes 1 978 bytes at most. Machine ids have 32 to 36. */
const LONGEST_ID = 512;
/** The largest count shown as it was sent. */
const MOST_CPUS = 2 ** 31 - 1;

/** Throws `DecodeError`. */
export function decodeConnectionRequest(payload: Buffer): ConnectionRequest {
  const sent = parseObject(payload);
  return {
    id: identifier(sent, 'ID'),
    name: sent.text('Name'),
    sessionId: identifier(sent, 'SessionID'),
    os: sent.text('OS'),
    osFullName: sent.text('OSFullName'),
    osVersion: sent.text('OSVersion'),
    osVirtualizationSystem: sent.text('OSVirtualizationSystem'),
    osVirtualizationRole: sent.text('OSVirtualizationRole'),
    osArch: sent.text('OSArch'),
    osFamily: sent.text('OSFamily'),
    osKernel: sent.text('OSKernel'),
    version: sent.text('Version'),
    hostname: sent.text('Hostname'),
    cpuFamily: sent.text('CPUFamily'),
    cpuModel: sent.text('CPUModel'),
    cpuModelName: sent.text('CPUModelName'),
    cpuVendor: sent.text('CPUVendor'),
    numCpus: sent.count('NumCPUs', MOST_CPUS),
    memTotal: sent.count('MemoryTotal'),
    timezone: sent.text('Timezone'),
    ipv4: sent.texts('IPv4'),
    ipv6: sent.texts('IPv6'),
    tags: sent.texts('Tags'),
    labels: sent.textMap('Labels'),
    remotes: sent.list('Remotes')?.map(decodeRemote) ?? [],
    clientConfiguration: configuration(sent.raw('ClientConfiguration')),
  };
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
const CONTROL = /[\x00-\x1f\x7f]/;

/** Unlike a description, an identifier must not be cut: two would become one. */
function identifier(sent: GoObject, name: string): string {
  const text = sent.text(name);
  if (Buffer.byteLength(text) > LONGEST_ID) throw new DecodeError(`${name} is too long`);
  if (CONTROL.test(text)) throw new DecodeError(`${name} has control characters`);
  return text;
}

/** `owner`, `tunnel_url` and `lport_random` are this server's to say (spec 05 §11.1). */
function decodeRemote(value: unknown): Remote {
  const remote = remoteFromJson(new GoObject(value).lowered());
  if (remote === undefined) throw new DecodeError('a remote has a field of the wrong type');
  return {
    ...remote,
    owner: '',
    tunnelUrl: '',
    lportRandom: false,
    idleTimeoutMinutes: Math.max(remote.idleTimeoutMinutes, 0),
    autoClose: Math.max(remote.autoClose, 0),
  };
}

function configuration(value: unknown): string | null {
  if (value === undefined) return null;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new DecodeError('ClientConfiguration is not an object');
  }
  return redactConfiguration(value);
}
