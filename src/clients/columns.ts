/** What clients can be filtered and sorted by. Spec 03 §4.2. */

import type { ColumnReader } from '../query/match.js';
import type { ClientRecord } from './record.js';
import { type ClientView, connectionState } from './record-json.js';

type Listed = Pick<ClientView, 'record' | 'groups'>;
type Read = (record: ClientRecord) => unknown;

const columns: ReadonlyMap<string, Read> = new Map<string, Read>([
  ['id', (record) => record.id],
  ['name', (record) => record.name],
  ['os', (record) => record.os],
  ['os_arch', (record) => record.osArch],
  ['os_family', (record) => record.osFamily],
  ['os_kernel', (record) => record.osKernel],
  ['os_full_name', (record) => record.osFullName],
  ['os_version', (record) => record.osVersion],
  ['os_virtualization_system', (record) => record.osVirtualizationSystem],
  ['os_virtualization_role', (record) => record.osVirtualizationRole],
  ['cpu_family', (record) => record.cpuFamily],
  ['cpu_model', (record) => record.cpuModel],
  ['cpu_model_name', (record) => record.cpuModelName],
  ['cpu_vendor', (record) => record.cpuVendor],
  ['num_cpus', (record) => record.numCpus],
  ['timezone', (record) => record.timezone],
  ['hostname', (record) => record.hostname],
  ['ipv4', (record) => record.ipv4],
  ['ipv6', (record) => record.ipv6],
  ['tags', (record) => record.tags],
  ['labels', (record) => record.labels],
  ['version', (record) => record.version],
  ['address', (record) => record.address],
  ['client_auth_id', (record) => record.clientAuthId],
  ['allowed_user_groups', (record) => record.allowedUserGroups],
  ['connection_state', connectionState],
]);

export const clientFilters: readonly string[] = [...columns.keys(), 'groups'];

export const clientColumn: ColumnReader<Listed> = (column) => {
  if (column === 'groups') return ({ groups }) => groups;
  const read = columns.get(column);
  return read === undefined ? () => undefined : ({ record }) => read(record);
};

/** Texts the list can be sorted by. */
export const clientSorts = {
  id: (record) => record.id,
  name: (record) => record.name,
  os: (record) => record.os,
  hostname: (record) => record.hostname,
  version: (record) => record.version,
} as const satisfies Record<string, (record: ClientRecord) => string>;

export type ClientSort = keyof typeof clientSorts;

export const isClientSort = (column: string): column is ClientSort => Object.hasOwn(clientSorts, column);
