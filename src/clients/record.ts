/** The stored state of one client, connected or not. Spec 01 §6.2, 03 §4.1 and §5.4. */

import type { ClientId } from '../ids.js';
import type { Instant } from '../time.js';
import type { TunnelRecord } from '../tunnels/remote.js';

export interface UpdateSummary {
  readonly title: string;
  readonly description: string;
  readonly rebootRequired: boolean;
  readonly isSecurityUpdate: boolean;
}

export interface UpdatesStatus {
  readonly refreshed: string;
  readonly updatesAvailable: number;
  readonly securityUpdatesAvailable: number;
  readonly updateSummaries: readonly UpdateSummary[] | null;
  readonly rebootPending: boolean;
  readonly error: string;
  readonly hint: string;
}

export interface ExtIpAddresses {
  readonly ipv4: string;
  readonly ipv6: string;
  readonly updatedAt: Instant;
  readonly error: string;
}

export interface ClientRecord {
  readonly id: ClientId;
  readonly clientAuthId: string;
  readonly name: string;
  /** Remote IP of the connection, without port. */
  readonly address: string;
  readonly hostname: string;
  readonly version: string;
  readonly os: string;
  readonly osFullName: string;
  readonly osVersion: string;
  readonly osArch: string;
  readonly osFamily: string;
  readonly osKernel: string;
  readonly osVirtualizationSystem: string;
  readonly osVirtualizationRole: string;
  readonly numCpus: number;
  readonly cpuFamily: string;
  readonly cpuModel: string;
  readonly cpuModelName: string;
  readonly cpuVendor: string;
  /** Bytes. */
  readonly memTotal: number;
  readonly timezone: string;
  readonly ipv4: readonly string[] | null;
  readonly ipv6: readonly string[] | null;
  readonly tags: readonly string[] | null;
  readonly labels: Readonly<Record<string, string>> | null;
  readonly allowedUserGroups: readonly string[] | null;
  readonly updatesStatus: UpdatesStatus | null;
  readonly extIpAddresses: ExtIpAddresses | null;
  /** Live tunnels, or the ones at disconnect. */
  readonly tunnels: readonly TunnelRecord[];
  /** JSON text of the agent's configuration with its secrets blanked; `null` when the agent sent none. */
  readonly clientConfiguration: string | null;
  /** `null` = connected. */
  readonly disconnectedAt: Instant | null;
  readonly connectedAt: Instant;
}

/** What one thread tells the others about clients (topic `clients`). */
export type ClientChange =
  | { readonly type: 'saved'; readonly record: ClientRecord }
  | { readonly type: 'removed'; readonly id: ClientId }
  | { readonly type: 'heartbeats'; readonly beats: readonly (readonly [ClientId, Instant])[] };

/** Topic under which `ClientChange`s are published between threads. */
export const CLIENTS_TOPIC = 'clients';
