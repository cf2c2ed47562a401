/** The version of this server, from its `package.json`. */

import { existsSync, readFileSync } from 'node:fs';

/** The build lies one or two folders below the package, depending on what was built. */
const candidates = ['../package.json', '../../package.json'].map((path) => new URL(path, import.meta.url));

export const version: string = readVersion();

function readVersion(): string {
  for (const file of candidates) {
    if (!existsSync(file)) continue;
    const parsed: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (
      typeof parsed === 'object' &&
      parsed !== null &&
      'name' in parsed &&
      parsed.name === 'tideway' &&
      'version' in parsed &&
      typeof parsed.version === 'string'
    ) {
      return parsed.version;
    }
  }
  throw new Error('package.json of tideway is missing');
}
