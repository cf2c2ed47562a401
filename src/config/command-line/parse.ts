/** The command line, with the error texts of the reference's flag library. Spec 07 §4. */

import { reasonOf } from '../config-error.js';
import type { Layer } from '../layer.js';
import { type RawValue, toBoolean, toDuration, toInteger, toList } from '../values/coerce.js';
import { type Flag, flags } from './flags.js';

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
const laterCommands: readonly string[] = ['user', 'completion', 'import', 'backup', 'restore'];

const byName: ReadonlyMap<string, Flag> = new Map(flags.map((flag) => [flag.name, flag]));
const byShort: ReadonlyMap<string, Flag> = new Map(
  flags.flatMap((flag) => (flag.short === undefined ? [] : [[flag.short, flag] as const])),
);

interface Given {
  readonly flag: Flag;
  /** `null`: a flag without value. */
  readonly value: string | null;
  /** As the error names it. */
  readonly label: string;
}

/** Parses the arguments behind interpreter and script. Never throws. */
export function parseCommandLine(argv: readonly string[]): CommandLine | CommandLineError {
  try {
    return interpret(argv);
  } catch (thrown) {
    return { error: `Error: ${reasonOf(thrown)}` };
  }
}

function interpret(argv: readonly string[]): CommandLine {
  const { given, words } = split(argv);
  const settings = new Map<string, RawValue>();
  let configPath: string | null = null;
  let command: CommandLine['command'] = commandOf(words);
  for (const { flag, value, label } of given) {
    const parsed = typed(flag, value, label);
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

function split(argv: readonly string[]): { given: Given[]; words: string[] } {
  const given: Given[] = [];
  const words: string[] = [];
  const rest = [...argv];
  const argumentOf = (flag: Flag, attached: string | null, missing: string): string | null => {
    if (attached !== null || flag.kind === 'bool') return attached;
    const next = rest.shift();
    if (next === undefined) throw new Error(`flag needs an argument: ${missing}`);
    return next;
  };
  for (let argument = rest.shift(); argument !== undefined; argument = rest.shift()) {
    if (argument === '--') {
      words.push(...rest.splice(0));
    } else if (argument.startsWith('--')) {
      const equals = argument.indexOf('=');
      const name = equals < 0 ? argument.slice(2) : argument.slice(2, equals);
      const flag = byName.get(name);
      if (flag === undefined) throw new Error(`unknown flag: --${name}`);
      const attached = equals < 0 ? null : argument.slice(equals + 1);
      given.push({ flag, value: argumentOf(flag, attached, `--${name}`), label: labelOf(flag) });
    } else if (argument.startsWith('-') && argument.length > 1) {
      for (let letters = argument.slice(1); letters !== ''; ) {
        const letter = letters.charAt(0);
        const flag = byShort.get(letter);
        if (flag === undefined) throw new Error(`unknown shorthand flag: '${letter}' in ${argument}`);
        const behind = letters.slice(1);
        const takesRest = behind.startsWith('=') || (flag.kind !== 'bool' && behind !== '');
        const attached = takesRest ? behind.replace(/^=/, '') : null;
        given.push({
          flag,
          value: argumentOf(flag, attached, `'${letter}' in ${argument}`),
          label: labelOf(flag),
        });
        letters = takesRest || flag.kind !== 'bool' ? '' : behind;
      }
    } else words.push(argument);
  }
  return { given, words };
}

const labelOf = ({ name, short }: Flag): string =>
  short === undefined ? `--${name}` : `-${short}, --${name}`;

/** The value checked against the kind of the flag, so that a slip is reported as a slip of that flag. */
function typed(flag: Flag, value: string | null, label: string): RawValue {
  if (value === null) return true;
  try {
    switch (flag.kind) {
      case 'bool':
        if (value === '') throw new Error('strconv.ParseBool: parsing "": invalid syntax');
        return toBoolean(value);
      case 'int':
        if (value === '') throw new Error('strconv.ParseInt: parsing "": invalid syntax');
        return toInteger(value);
      case 'duration':
        toDuration(value);
        return value;
      case 'list':
        return toList(value);
      case 'string':
        return value;
    }
  } catch (thrown) {
    throw new Error(`invalid argument ${JSON.stringify(value)} for "${label}" flag: ${reasonOf(thrown)}`);
  }
}
