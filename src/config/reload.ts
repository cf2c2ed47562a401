/** What a new configuration changes in a running server. Decisions: SIGHUP. */

import { isDeepStrictEqual } from 'node:util';
import { camelCase, type KeyPath, keyPaths, WEBHOOKS } from './keys.js';
import { isAvailable } from './not-yet.js';
import type { Config } from './types.js';

/**
 * Keys that only a start reads: they belong to a listener, to a lease on ports, to the store, to the number of
 * threads or to the identity agents have pinned. Every other key is live; a new key that is not must be added.
 */
export const restartOnly: readonly KeyPath[] = [
  'server.address',
  'server.key_seed',
  'server.proxy',
  'server.trusted_proxies',
  'server.used_ports',
  'server.excluded_ports',
  'server.data_dir',
  'server.max_concurrent_ssh_handshakes',
  'server.shards',
  'logging.log_file',
  'api.address',
  'api.cert_file',
  'api.key_file',
  'api.tls_min',
];

/** Properties that validation computes, with a key they are computed from. */
const computedFrom: Readonly<Record<string, KeyPath | typeof WEBHOOKS>> = {
  'webhooks.list': WEBHOOKS,
  'server.allowedPorts': 'server.used_ports',
  'server.clientAuth': 'server.auth',
};

export interface ReloadPlan {
  /** What the server goes by from now on: as wanted, except for keys that wait for a restart. */
  readonly config: Config;
  /** `section.key` of what changes now. */
  readonly applied: readonly string[];
  /** `section.key` of what differs from the wanted configuration until the next start. */
  readonly waiting: readonly string[];
}

type Sections = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** Compares property by property. Both configurations are complete (`prepareDataDir`). */
export function planReload(running: Config, wanted: Config): ReloadPlan {
  const config: Record<string, Record<string, unknown>> = {};
  const applied = new Set<string>();
  const waiting = new Set<string>();
  const before = running as unknown as Sections;
  for (const [section, values] of Object.entries(wanted as unknown as Sections)) {
    const merged: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(values)) {
      const old = before[section]?.[name];
      const path = pathOf(`${section}.${name}`);
      const waits = needsRestart.has(path);
      merged[name] = waits ? old : value;
      // Nothing is promised of a key whose feature is not there.
      if (!isDeepStrictEqual(old, value) && isAvailable(path)) (waits ? waiting : applied).add(path);
    }
    config[section] = merged;
  }
  // Property by property as in `wanted`.
  return { config: config as unknown as Config, applied: [...applied], waiting: [...waiting] };
}

const needsRestart: ReadonlySet<string> = new Set(restartOnly);
const pathByProperty: ReadonlyMap<string, string> = new Map(
  keyPaths.map((path) => [path.split('.').map(camelCase).join('.'), path]),
);

const pathOf = (property: string): string =>
  computedFrom[property] ?? pathByProperty.get(property) ?? property;
