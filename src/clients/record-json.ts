/** A client as the API shows it: keys, their order and their form are those of spec 03 §4.1. */

import { goInstant } from '../go/instant.js';
import { jsonText } from '../go/json-text.js';
import type { Instant } from '../time.js';
import { tunnelToJson } from '../tunnels/remote-json.js';
import type { ClientRecord, UpdatesStatus } from './record.js';

/** What is shown of a client beside its record. */
export interface ClientView {
  readonly record: ClientRecord;
  readonly heartbeat: Instant | null;
  /** Ids of the client groups it belongs to. */
  readonly groups: readonly string[];
}

export const connectionState = (record: ClientRecord): 'connected' | 'disconnected' =>
  record.disconnectedAt === null ? 'connected' : 'disconnected';

interface Field {
  /** As in `fields[clients]`. */
  readonly name: string;
  readonly key: string;
  /** JSON text of the value. */
  readonly write: (view: ClientView) => string;
}

const field = (name: string, value: (record: ClientRecord) => unknown, key = name): Field => ({
  name,
  key,
  write: (view) => jsonText(value(view.record)),
});

/** Of `GET /clients` without `fields[clients]`. */
export const defaultListFields: readonly string[] = ['id', 'name', 'hostname'];

const fields: readonly Field[] = [
  field('id', (record) => record.id),
  field('name', (record) => record.name),
  field('address', (record) => record.address),
  field('hostname', (record) => record.hostname),
  field('os', (record) => record.os),
  field('os_full_name', (record) => record.osFullName),
  field('os_version', (record) => record.osVersion),
  field('os_arch', (record) => record.osArch),
  field('os_family', (record) => record.osFamily),
  field('os_kernel', (record) => record.osKernel),
  field('os_virtualization_system', (record) => record.osVirtualizationSystem),
  field('os_virtualization_role', (record) => record.osVirtualizationRole),
  field('num_cpus', (record) => record.numCpus),
  field('cpu_family', (record) => record.cpuFamily),
  field('cpu_model', (record) => record.cpuModel),
  field('cpu_model_name', (record) => record.cpuModelName),
  field('cpu_vendor', (record) => record.cpuVendor),
  field('mem_total', (record) => record.memTotal),
  field('timezone', (record) => record.timezone),
  field('client_auth_id', (record) => record.clientAuthId),
  field('version', (record) => record.version),
  field('disconnected_at', (record) => record.disconnectedAt && goInstant(record.disconnectedAt)),
  {
    name: 'last_heartbeat_at',
    key: 'last_heartbeat_at',
    write: ({ heartbeat }) => jsonText(heartbeat && goInstant(heartbeat)),
  },
  field('connection_state', connectionState),
  field('ipv4', (record) => record.ipv4),
  field('ipv6', (record) => record.ipv6),
  field('tags', (record) => record.tags),
  field('allowed_user_groups', (record) => record.allowedUserGroups),
  field('tunnels', (record) => record.tunnels.map(tunnelToJson)),
  field('updates_status', (record) => record.updatesStatus && updatesStatusToJson(record.updatesStatus)),
  field(
    'ip_addresses',
    ({ extIpAddresses }) =>
      extIpAddresses && {
        ipv4: extIpAddresses.ipv4,
        ipv6: extIpAddresses.ipv6,
        updated_at: goInstant(extIpAddresses.updatedAt),
        error: extIpAddresses.error,
      },
    'ext_ip_addresses',
  ),
  {
    name: 'client_configuration',
    key: 'client_configuration',
    // Is JSON text already, escaped when it was redacted.
    write: ({ record }) => record.clientConfiguration ?? 'null',
  },
  { name: 'groups', key: 'groups', write: ({ groups }) => jsonText(groups) },
  {
    name: 'labels',
    key: 'labels',
    write: ({ record }) => (record.labels ? labelsText(record.labels) : 'null'),
  },
];

/** Names of `fields[clients]`, in the order of the keys. */
export const clientFields: readonly string[] = fields.map(({ name }) => name);

/**
 * Writes the JSON object of a client with the named fields (all when `undefined`), in the fixed order and each
 * once, whatever the order of the names. Unknown names are left out.
 */
export function clientWriter(names: readonly string[] | undefined): (view: ClientView) => string {
  const chosen = names === undefined ? fields : fields.filter(({ name }) => names.includes(name));
  const [first, ...others] = chosen.map(({ key, write }) => ({ prefix: `,"${key}":`, write }));
  if (first === undefined) return () => '{}';
  return (view) => {
    let text = `{${first.prefix.slice(1)}${first.write(view)}`;
    for (const { prefix, write } of others) text += prefix + write(view);
    return `${text}}`;
  };
}

function updatesStatusToJson(status: UpdatesStatus): object {
  return {
    refreshed: status.refreshed,
    updates_available: status.updatesAvailable,
    security_updates_available: status.securityUpdatesAvailable,
    update_summaries:
      status.updateSummaries?.map((summary) => ({
        title: summary.title,
        description: summary.description,
        reboot_required: summary.rebootRequired,
        is_security_update: summary.isSecurityUpdate,
      })) ?? null,
    reboot_pending: status.rebootPending,
    ...(status.error === '' ? {} : { error: status.error }),
    ...(status.hint === '' ? {} : { hint: status.hint }),
  };
}

/** As text, because an object would put keys that look like numbers first. */
const labelsText = (labels: Readonly<Record<string, string>>): string =>
  `{${Object.keys(labels)
    .sort()
    .map((key) => `${jsonText(key)}:${jsonText(labels[key])}`)
    .join(',')}}`;
