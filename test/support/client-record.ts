import type { ClientRecord } from '../../src/clients/record.js';
import { clientId } from '../../src/ids.js';

/** A connected client; `changes` replace single fields. */
export function clientRecord(id: string, changes: Partial<Omit<ClientRecord, 'id'>> = {}): ClientRecord {
  return {
    id: clientId(id),
    clientAuthId: 'fleet',
    name: `Client ${id}`,
    address: '198.51.100.7',
    hostname: `host-${id}`,
    version: '1.0.0',
    os: 'Linux host 6.1.0 x86_64',
    osFullName: 'Debian 12',
    osVersion: '12',
    osArch: 'amd64',
    osFamily: 'debian',
    osKernel: 'linux',
    osVirtualizationSystem: 'kvm',
    osVirtualizationRole: 'guest',
    numCpus: 2,
    cpuFamily: '6',
    cpuModel: '85',
    cpuModelName: 'Example CPU @ 2.10GHz',
    cpuVendor: 'GenuineIntel',
    memTotal: 4_102_447_104,
    timezone: 'UTC (UTC+00:00)',
    ipv4: ['10.0.0.7'],
    ipv6: null,
    tags: null,
    labels: null,
    allowedUserGroups: null,
    updatesStatus: null,
    extIpAddresses: null,
    tunnels: [],
    clientConfiguration: null,
    disconnectedAt: null,
    connectedAt: '2026-01-01T00:00:00.000Z',
    ...changes,
  };
}
