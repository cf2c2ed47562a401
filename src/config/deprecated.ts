/**
 * Old names of settings. Each layer is translated by itself, so an old name in the file still yields to a flag
 * or environment variable with the new name. Spec 07 §3.
 */

import { keyPaths } from './keys.js';
import type { Layer } from './layer.js';
import { type RawValue, toBoolean, toDuration, toInteger } from './values/coerce.js';
import type { ConfigWarning } from './warning.js';

interface Deprecated {
  readonly successor: string;
  /** Whether the old value counts as set; zero and false do not. Throws when it has the wrong type. */
  readonly isSet: (raw: RawValue) => boolean;
  readonly translate?: (raw: RawValue) => RawValue;
  readonly notice: string;
}

const renamed = (name: string, successor: string): string =>
  `server setting '${name}' is deprecated and will be removed soon. Use '${successor}' instead.`;
const moved = (name: string): string =>
  `server setting '${name}' is deprecated and will be removed soon. Use the setting in api section instead.`;

export const deprecatedKeys: ReadonlyMap<string, Deprecated> = new Map([
  [
    'server.cleanup_lost_clients',
    {
      successor: 'server.purge_disconnected_clients',
      isSet: toBoolean,
      notice: renamed('cleanup_lost_clients', 'purge_disconnected_clients'),
    },
  ],
  [
    'server.keep_lost_clients',
    {
      successor: 'server.keep_disconnected_clients',
      isSet: (raw: RawValue) => toDuration(raw) !== 0,
      notice: renamed('keep_lost_clients', 'keep_disconnected_clients'),
    },
  ],
  [
    'server.cleanup_clients_interval',
    {
      successor: 'server.purge_disconnected_clients_interval',
      isSet: (raw: RawValue) => toDuration(raw) !== 0,
      notice: renamed('cleanup_clients_interval', 'purge_disconnected_clients_interval'),
    },
  ],
  [
    'server.max_request_bytes',
    {
      successor: 'api.max_request_bytes',
      isSet: (raw: RawValue) => toInteger(raw) > 0,
      notice: moved('max_request_bytes'),
    },
  ],
  [
    'server.max_filepush_size',
    {
      successor: 'api.max_filepush_size',
      isSet: (raw: RawValue) => toInteger(raw) > 0,
      notice: moved('max_filepush_size'),
    },
  ],
  [
    'server.enable_ws_test_endpoints',
    {
      successor: 'api.enable_ws_test_endpoints',
      isSet: toBoolean,
      notice: moved('enable_ws_test_endpoints'),
    },
  ],
  [
    'monitoring.data_storage_days',
    {
      successor: 'monitoring.data_storage_duration',
      isSet: (raw: RawValue) => toInteger(raw) > 0,
      translate: (raw: RawValue) => `${toInteger(raw)}d`,
      notice:
        "monitoring setting 'data_storage_days' is deprecated and will be removed soon. Use 'data_storage_duration' only instead.",
    },
  ],
]);

/** Every name a file, flag or variable may use. */
export const acceptedPaths: readonly string[] = [...keyPaths, ...deprecatedKeys.keys()];

export interface Translated {
  readonly layer: Layer;
  readonly warnings: readonly ConfigWarning[];
}

/** Replaces old names by new ones; a set old value beats the new name within the same layer. */
export function translateDeprecated(layer: Layer): Translated {
  const translated = new Map(layer);
  const warnings: ConfigWarning[] = [];
  for (const [path, old] of deprecatedKeys) {
    if (!layer.has(path)) continue;
    const raw = layer.get(path);
    let isSet: boolean;
    try {
      isSet = old.isSet(raw);
    } catch {
      // Left in place under its old name: decoding reports it there.
      continue;
    }
    translated.delete(path);
    if (!isSet) continue;
    translated.set(old.successor, old.translate?.(raw) ?? raw);
    warnings.push({ level: 'info', message: old.notice });
  }
  return { layer: translated, warnings };
}
