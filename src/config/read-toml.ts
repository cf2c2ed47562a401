import { parse, TomlError } from 'smol-toml';
import { reasonOf } from './config-error.js';
import type { Layer } from './layer.js';
import type { RawValue } from './values/coerce.js';

/**
 * Reads TOML text into a layer. Section and key names count in any case. A value outside a section keeps its
 * bare name as path, so that it is reported as unknown.
 * @throws Error on a syntax error, without the offending lines (they may hold secrets), or when two spellings
 * of one key are both set
 */
export function readToml(text: string): Layer {
  const layer = new Map<string, RawValue>();
  const put = (path: string, value: RawValue): void => {
    if (layer.has(path)) throw new Error(`While parsing config: ${path} is set twice`);
    layer.set(path, value);
  };
  for (const [section, content] of Object.entries(parseToml(text))) {
    const name = section.toLowerCase();
    if (!isTable(content)) put(name, content);
    else for (const [key, value] of Object.entries(content)) put(`${name}.${key.toLowerCase()}`, value);
  }
  return layer;
}

function parseToml(text: string): Record<string, unknown> {
  try {
    return parse(text);
  } catch (thrown) {
    const [reason = ''] = reasonOf(thrown).split('\n');
    const place = thrown instanceof TomlError ? `line ${thrown.line}, column ${thrown.column}: ` : '';
    throw new Error(`While parsing config: ${place}${reason}`);
  }
}

const isTable = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
