/** Loads the configuration: flags > environment > file > defaults. Spec 07 §1. */

import { join, resolve } from 'node:path';
import { codeOf, fileError } from '../file-error.js';
import { parseCommandLine } from './command-line/parse.js';
import { ConfigError, invalidConfig, reasonOf } from './config-error.js';
import { decode } from './decode.js';
import { translateDeprecated } from './deprecated.js';
import { readEnvironment } from './environment.js';
import { WEBHOOKS } from './keys.js';
import { type Layer, mergeLayers } from './layer.js';
import { refuseUnsafeWithout, warnOfMissingFeatures } from './not-yet.js';
import { warnOfPlaceholders } from './placeholders.js';
import { readToml } from './read-toml.js';
import { type Surroundings, thisProcess } from './surroundings.js';
import type { Config } from './types.js';
import { warnOfUnknownKeys } from './unknown-keys.js';
import { validate } from './validate/validate.js';
import { unknownWebhookKeys } from './values/webhooks.js';
import { type ConfigWarning, inLogOrder } from './warning.js';

/** Looked for in the working directory when no `-c` is given. */
const FILE_NAMES = ['rportd.conf', 'rportd.conf.toml'];
const ROOT_REFUSED = 'By default running as root is not allowed.';

export interface LoadedConfig {
  readonly config: Config;
  /** In the order they are to be logged. */
  readonly warnings: readonly ConfigWarning[];
  /** Path of the file that was read; `null` without one. */
  readonly source: string | null;
  /** No file: defaults for trying the server out. */
  readonly embedded: boolean;
}

/**
 * Reads, merges, types and validates all settings.
 * @throws ConfigError with the complete text for stderr; also when the process runs as root although the
 * configuration file does not allow it
 */
export function loadConfig(given: Partial<Surroundings> = {}): LoadedConfig {
  const surroundings = { ...thisProcess(), ...given };
  const commandLine = parseCommandLine(surroundings.argv);
  if ('error' in commandLine) throw new ConfigError(commandLine.error);
  const file = explained(() => findFile(commandLine.configPath, surroundings));
  const environment = readEnvironment(surroundings.env);
  const sources = [file?.layer ?? new Map(), environment.layer, commandLine.overrides].map(
    translateDeprecated,
  );
  const embedded = file === null;
  const explicit = mergeLayers(...sources.map(({ layer }) => layer));
  const layer = embedded ? mergeLayers(embeddedDefaults(surroundings.cwd), explicit) : explicit;
  const decoded = explained(() => decode(layer));
  const validated = explained(() => validate(decoded, surroundings));
  refuseUnsafeWithout(decoded);
  const rootWarnings = checkRoot(surroundings.isRoot, validated.config.server.allowRoot, embedded);
  const { config } = validated;
  return {
    config: embedded
      ? { ...config, server: { ...config.server, dataDir: resolve(surroundings.cwd, config.server.dataDir) } }
      : config,
    source: file?.path ?? null,
    embedded,
    warnings: inLogOrder([
      ...sources.flatMap(({ warnings }) => warnings),
      ...warnOfUnknownKeys([
        ...[...explicit.keys()].filter((path) => path !== WEBHOOKS),
        ...unknownWebhookKeys(explicit.get(WEBHOOKS)),
        ...environment.unknown,
      ]),
      ...validated.warnings,
      ...rootWarnings,
      ...warnOfMissingFeatures(explicit),
      ...warnOfPlaceholders(decoded),
    ]),
  };
}

/** Without a file: data beside the working directory, and an API that only this machine reaches. */
const embeddedDefaults = (cwd: string): Layer =>
  new Map([
    ['server.data_dir', join(cwd, 'data')],
    ['api.address', '127.0.0.1:3000'],
  ]);

interface FoundFile {
  readonly path: string;
  readonly layer: Layer;
}

function findFile(configPath: string | null, { cwd, readFile }: Surroundings): FoundFile | null {
  const candidates =
    configPath === null ? FILE_NAMES.map((name) => join(cwd, name)) : [resolve(cwd, configPath)];
  for (const path of candidates) {
    const shown = configPath ?? path;
    let text: string;
    try {
      text = readFile(path);
    } catch (thrown) {
      if (configPath === null && codeOf(thrown) === 'ENOENT') continue;
      throw new Error(`error reading config file: ${fileError(shown, thrown)}`);
    }
    try {
      return { path, layer: readToml(text) };
    } catch (thrown) {
      throw new Error(`error reading config file: ${reasonOf(thrown)}`);
    }
  }
  return null;
}

/** A configured server must say that root is fine; a try-out without a file is only warned. */
function checkRoot(isRoot: boolean, allowRoot: boolean, embedded: boolean): readonly ConfigWarning[] {
  if (!isRoot || allowRoot) return [];
  if (!embedded) throw new ConfigError(ROOT_REFUSED);
  return [{ level: 'error', message: 'warning: running as root is an unnecessary risk' }];
}

/** Wraps the reason of a refused configuration in the text the operator sees. */
function explained<T>(step: () => T): T {
  try {
    return step();
  } catch (thrown) {
    throw invalidConfig(reasonOf(thrown));
  }
}
