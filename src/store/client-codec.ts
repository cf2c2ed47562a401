/**
 * Client records as JSON text. A field that is missing or of the wrong type gets its zero value when it is read:
 * a row of another version is worth more than no client.
 */

import type { ClientRecord, ExtIpAddresses, UpdateSummary, UpdatesStatus } from '../clients/record.js';
import type { ClientId } from '../ids.js';
import { JsonFields } from '../json-fields.js';
import type { TunnelRecord } from '../tunnels/remote.js';
import { tunnelFromJson, tunnelToJson } from '../tunnels/remote-json.js';
import { ANY_LENGTH, rowFields } from './row-fields.js';

export function encodeClient(record: ClientRecord): string {
  const tunnels = record.tunnels.map((tunnel) => ({
    ...tunnelToJson(tunnel),
    created_at: tunnel.createdAt,
    storedId: tunnel.storedId,
  }));
  return JSON.stringify({ ...record, tunnels });
}

/** `undefined` when `text` is not the JSON object of the client `id`. */
export function decodeClient(id: ClientId, text: string): ClientRecord | undefined {
  const fields = rowFields(text);
  if (fields.text('id') !== id) return undefined;
  return {
    id,
    clientAuthId: fields.text('clientAuthId'),
    name: fields.text('name'),
    address: fields.text('address'),
    hostname: fields.text('hostname'),
    version: fields.text('version'),
    os: fields.text('os'),
    osFullName: fields.text('osFullName'),
    osVersion: fields.text('osVersion'),
    osArch: fields.text('osArch'),
    osFamily: fields.text('osFamily'),
    osKernel: fields.text('osKernel'),
    osVirtualizationSystem: fields.text('osVirtualizationSystem'),
    osVirtualizationRole: fields.text('osVirtualizationRole'),
    numCpus: fields.integer('numCpus'),
    cpuFamily: fields.text('cpuFamily'),
    cpuModel: fields.text('cpuModel'),
    cpuModelName: fields.text('cpuModelName'),
    cpuVendor: fields.text('cpuVendor'),
    memTotal: fields.number('memTotal'),
    timezone: fields.text('timezone'),
    ipv4: fields.texts('ipv4'),
    ipv6: fields.texts('ipv6'),
    tags: fields.texts('tags'),
    labels: fields.textByName('labels'),
    allowedUserGroups: fields.texts('allowedUserGroups'),
    updatesStatus: fields.object('updatesStatus', readUpdatesStatus),
    extIpAddresses: fields.object('extIpAddresses', readExtIpAddresses),
    tunnels: fields.items('tunnels', readTunnel) ?? [],
    clientConfiguration: fields.textOrNull('clientConfiguration'),
    disconnectedAt: fields.textOrNull('disconnectedAt'),
    connectedAt: fields.text('connectedAt'),
  };
}

function readTunnel(value: unknown): TunnelRecord | undefined {
  const tunnel = tunnelFromJson(value, ANY_LENGTH);
  const storedId = new JsonFields(value, ANY_LENGTH).text('storedId');
  return tunnel === undefined || storedId === '' ? tunnel : { ...tunnel, storedId };
}

function readUpdatesStatus(value: unknown): UpdatesStatus {
  const fields = new JsonFields(value, ANY_LENGTH);
  return {
    refreshed: fields.text('refreshed'),
    updatesAvailable: fields.integer('updatesAvailable'),
    securityUpdatesAvailable: fields.integer('securityUpdatesAvailable'),
    updateSummaries: fields.items('updateSummaries', readUpdateSummary),
    rebootPending: fields.flag('rebootPending'),
    error: fields.text('error'),
    hint: fields.text('hint'),
  };
}

function readUpdateSummary(value: unknown): UpdateSummary {
  const fields = new JsonFields(value, ANY_LENGTH);
  return {
    title: fields.text('title'),
    description: fields.text('description'),
    rebootRequired: fields.flag('rebootRequired'),
    isSecurityUpdate: fields.flag('isSecurityUpdate'),
  };
}

function readExtIpAddresses(value: unknown): ExtIpAddresses {
  const fields = new JsonFields(value, ANY_LENGTH);
  return {
    ipv4: fields.text('ipv4'),
    ipv6: fields.text('ipv6'),
    updatedAt: fields.text('updatedAt'),
    error: fields.text('error'),
  };
}
