/** What client groups compare of a client, one entry for each parameter. Spec 03 §7.4. */

import type { ClientRecord } from '../record.js';
import { connectionState } from '../record-json.js';
import { type GroupParamName, groupParamNames } from './group.js';

type Read = (record: ClientRecord) => string | readonly string[] | null;

const readers: Readonly<Record<GroupParamName, Read>> = {
  client_id: (record) => record.id,
  name: (record) => record.name,
  os: (record) => record.os,
  os_arch: (record) => record.osArch,
  os_family: (record) => record.osFamily,
  os_kernel: (record) => record.osKernel,
  hostname: (record) => record.hostname,
  ipv4: (record) => record.ipv4,
  ipv6: (record) => record.ipv6,
  tag: (record) => record.tags,
  version: (record) => record.version,
  address: (record) => record.address,
  client_auth_id: (record) => record.clientAuthId,
  connection_state: connectionState,
};

/** By number of the parameter, which is its place in `groupParamNames`. */
const reads: readonly Read[] = groupParamNames.map((name) => readers[name]);

export const paramNumber = (name: GroupParamName): number => groupParamNames.indexOf(name);

/** Whether two states of a client are the same to every group. */
export const sameToGroups = (one: ClientRecord, other: ClientRecord): boolean =>
  reads.every((read) => isSame(read(one), read(other)));

/** Values of one client in lower case, each made when it is first asked for. */
export class ClientValues {
  readonly #record: ClientRecord;
  readonly #values: (readonly string[] | undefined)[] = [];

  constructor(record: ClientRecord) {
    this.#record = record;
  }

  /** None for an absent or empty list; a single property always has one, which may be empty. */
  of(param: number): readonly string[] {
    const known = this.#values[param];
    if (known !== undefined) return known;
    const value = reads[param]?.(this.#record) ?? [];
    const lower =
      typeof value === 'string' ? [value.toLowerCase()] : value.map((element) => element.toLowerCase());
    this.#values[param] = lower;
    return lower;
  }
}

function isSame(one: ReturnType<Read>, other: ReturnType<Read>): boolean {
  if (one === other) return true;
  if (!Array.isArray(one) || !Array.isArray(other)) return false;
  return one.length === other.length && one.every((element, index) => element === other[index]);
}
