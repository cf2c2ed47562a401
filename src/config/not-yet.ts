/**
 * Settings that are accepted but have no effect in this release, because their feature is not part of it. An
 * issue that delivers a feature removes its entries here. `docs/configuration.md` marks the same keys.
 */

import { invalidConfig } from './config-error.js';
import type { DecodedConfig } from './keys.js';
import type { Layer } from './layer.js';
import type { ConfigWarning } from './warning.js';

/** Keys (`section.key`) or whole sections (`section.*`), by feature. */
export const notYetAvailable: Readonly<Record<string, readonly string[]>> = {
  'ACME certificates': ['api.enable_acme', 'server.tunnel_enable_acme', 'server.acme_http_port'],
  'tunnels through an HTTP proxy, VNC and RDP': [
    'server.tunnel_proxy_cert_file',
    'server.tunnel_proxy_key_file',
    'server.tunnel_cors',
    'server.novnc_root',
    'server.guacd_address',
    'server.tls_min',
  ],
  'tunnels on sub-domains': ['caddy-integration.*'],
  notifications: ['notifications.*'],
  'static files': ['api.doc_root'],
};

/** One warning for all settings of the layer that ask for something this release does not have. */
export function warnOfMissingFeatures(layer: Layer): readonly ConfigWarning[] {
  const asked = [...layer].filter(([, value]) => asksForSomething(value)).map(([path]) => path);
  const parts: string[] = [];
  for (const [feature, patterns] of Object.entries(notYetAvailable)) {
    const keys = asked.filter((path) => patterns.some((pattern) => matches(pattern, path)));
    if (keys.length > 0) parts.push(`${feature} (${keys.join(', ')})`);
  }
  if (parts.length === 0) return [];
  return [
    {
      level: 'error',
      message: `warning: settings without effect, their feature is not available in this release: ${parts.join('; ')}`,
    },
  ];
}

/**
 * Refuses settings whose absence would leave the server open or locked: without them it would run with less
 * protection than the operator asked for.
 * @throws ConfigError naming the setting and a way out
 */
export function refuseUnsafeWithout(config: DecodedConfig): void {
  const refuse = (path: string, reason: string): never => {
    throw invalidConfig(`${path} is set, but ${reason}`);
  };
  if (config.api.address === '') return;
  if (config.api.enableAcme)
    refuse(
      'api.enable_acme',
      "ACME certificates are not available in this release, and the API would answer without TLS: use 'cert_file' and 'key_file'",
    );
}

/** Whether the key (`section.key`) has an effect in this release. */
export const isAvailable = (path: string): boolean =>
  !Object.values(notYetAvailable).some((patterns) => patterns.some((pattern) => matches(pattern, path)));

const matches = (pattern: string, path: string): boolean =>
  pattern.endsWith('.*') ? path.startsWith(pattern.slice(0, -1)) : path === pattern;

/** `false`, 0 and empty values ask for nothing. */
const asksForSomething = (value: unknown): boolean =>
  Array.isArray(value)
    ? value.length > 0
    : !['', '[]', 'false', '0', false, 0, undefined].includes(value as never);
