/** Turns raw settings into typed ones. */

import { reasonOf } from './config-error.js';
import { deprecatedKeys } from './deprecated.js';
import { camelCase, type DecodedConfig, findKey, sections, WEBHOOKS } from './keys.js';
import type { Layer } from './layer.js';
import { toWebhooks } from './values/webhooks.js';

/**
 * Reads every known key with its type, defaults filled in. Unknown keys are ignored here.
 * @throws Error listing every value that has the wrong type, by `section.key`
 */
export function decode(layer: Layer): DecodedConfig {
  const problems: string[] = [];
  const attempt = <T>(path: string, read: () => T): T | undefined => {
    try {
      return read();
    } catch (thrown) {
      problems.push(`* error decoding '${path}': ${reasonOf(thrown)}`);
      return undefined;
    }
  };
  for (const [path, old] of deprecatedKeys)
    if (layer.has(path)) attempt(path, () => old.isSet(layer.get(path)));
  const decoded: Record<string, Record<string, unknown>> = {};
  for (const [section, keys] of Object.entries(sections)) {
    const values: Record<string, unknown> = {};
    if (layer.has(section)) problems.push(`* '${section}' expected a section`);
    for (const name of Object.keys(keys)) {
      const path = `${section}.${name}`;
      const key = findKey(section, name);
      values[camelCase(name)] = layer.has(path)
        ? attempt(path, () => key?.read(layer.get(path)))
        : key?.fallback;
    }
    decoded[camelCase(section)] = values;
  }
  const webhooks = attempt(WEBHOOKS, () => {
    const misspelt = [...layer.keys()].some((path) => path.startsWith(`${WEBHOOKS}.`));
    if (misspelt) throw new Error('write each of them as a table [[webhooks]], in double brackets');
    return layer.has(WEBHOOKS) ? toWebhooks(layer.get(WEBHOOKS)) : [];
  });
  if (problems.length > 0)
    throw new Error(
      `error parsing config file: ${problems.length} error(s) decoding:\n\n${problems.join('\n')}\n`,
    );
  // Built from the very table the type is derived from.
  return { ...decoded, webhooks: { list: webhooks ?? [] } } as unknown as DecodedConfig;
}
