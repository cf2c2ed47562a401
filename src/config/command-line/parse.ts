/** The command line, with the error texts of the reference's flag library. Spec 07 §4. */

import { reasonOf } from '../config-error.js';
import type { Layer } from '../layer.js';
import type { RawValue } from '../values/coerce.js';
import { flags } from './flags.js';
import { splitArguments, typedValue } from './split.js';

export interface CommandLine {
  readonly command: 'serve' | 'version' | 'help';
  /** Value of `-c`; `null` when not given. */
  readonly configPath: string | null;
  /** Settings given as flags, by `section.key`. */
  readonly overrides: Layer;
}

/** The process prints `error` to stderr and the help text to stdout, and exits with status 1. */
export interface CommandLineError {
  /** Complete text, starting with `Error: `. */
  readonly error: string;
}

/** Commands of the reference that later releases bring. */
const laterCommands: readonly string[] = ['completion', 'import', 'backup', 'restore'];

/** Parses the arguments behind interpreter and script. Never throws. */
export function parseCommandLine(argv: readonly string[]): CommandLine | CommandLineError {
  try {
    return interpret(argv);
  } catch (thrown) {
    return { error: `Error: ${reasonOf(thrown)}` };
  }
}

function interpret(argv: readonly string[]): CommandLine {
  const { given, words } = splitArguments(argv, flags);
  const settings = new Map<string, RawValue>();
  let configPath: string | null = null;
  let command: CommandLine['command'] = commandOf(words);
  for (const one of given) {
    const { flag } = one;
    const parsed = typedValue(one);
    if (flag.name === 'service' || flag.name === 'service-user')
      throw new Error(`--${flag.name} is not available in this release`);
    if (flag.name === 'config') configPath = String(parsed);
    else if (flag.name === 'help' && parsed === true) command = 'help';
    else if (flag.name === 'version' && parsed === true && command !== 'help') command = 'version';
    else if (flag.path !== null) {
      const before = settings.get(flag.path);
      settings.set(
        flag.path,
        Array.isArray(before) && Array.isArray(parsed) ? [...before, ...parsed] : parsed,
      );
    }
  }
  return { command, configPath, overrides: settings };
}

function commandOf(words: readonly string[]): CommandLine['command'] {
  const [word, ...more] = words;
  if (word === undefined) return 'serve';
  const [extra] = more;
  if (word === 'help') return 'help';
  if (laterCommands.includes(word))
    throw new Error(`command ${JSON.stringify(word)} is not available in this release`);
  if (word !== 'serve' && word !== 'version')
    throw new Error(`unknown command ${JSON.stringify(word)} for "tideway"\nRun 'tideway --help' for usage.`);
  if (extra !== undefined) throw new Error(`unexpected argument ${JSON.stringify(extra)}`);
  return word;
}
