/**
 * `<data_dir>/secrets.json`: the seed of the host key and the secret of API tokens, generated once. Losing it
 * would change the fingerprint agents have pinned, so a file that cannot be read is never replaced.
 */

import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from '../file-error.js';
import { ConfigError, reasonOf } from './config-error.js';
import { writePrivateFile } from './write-private-file.js';

export interface Secrets {
  readonly keySeed: string;
  readonly tokenSecret: string;
}

const FILE_NAME = 'secrets.json';
const VERSION = 1;
/** 256 bits each. */
const SECRET_BYTES = 32;

/**
 * The secrets of this data directory; generated and on disk when the promise resolves.
 * @throws ConfigError when the file exists and is not a secrets file of this version
 */
export async function keepSecrets(dataDir: string): Promise<Secrets> {
  const path = join(dataDir, FILE_NAME);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (thrown) {
    if (codeOf(thrown) !== 'ENOENT') throw new ConfigError(`can't read ${path}: ${reasonOf(thrown)}`);
    const secrets = {
      keySeed: randomBytes(SECRET_BYTES).toString('hex'),
      tokenSecret: randomBytes(SECRET_BYTES).toString('hex'),
    };
    await writePrivateFile(
      path,
      `${JSON.stringify({ version: VERSION, key_seed: secrets.keySeed, token_secret: secrets.tokenSecret }, null, 1)}\n`,
    );
    return secrets;
  }
  return parseSecrets(path, text);
}

function parseSecrets(path: string, text: string): Secrets {
  const unusable = (reason: string): ConfigError =>
    new ConfigError(
      `${path} is unusable (${reason}). It holds the host key agents have pinned: restore it from a backup, or remove it to start with new secrets and change the fingerprint on every agent`,
    );
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw unusable('not JSON');
  }
  if (typeof parsed !== 'object' || parsed === null) throw unusable('not an object');
  const { version, key_seed, token_secret } = parsed as Record<string, unknown>;
  if (version !== VERSION) throw unusable(`version ${JSON.stringify(version)}, expected ${VERSION}`);
  if (typeof key_seed !== 'string' || key_seed === '') throw unusable('key_seed is missing');
  if (typeof token_secret !== 'string' || token_secret === '') throw unusable('token_secret is missing');
  return { keySeed: key_seed, tokenSecret: token_secret };
}
