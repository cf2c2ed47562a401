/** Splitting a command line, with the error texts of the reference's flag library. Spec 07 §4. */

import { reasonOf } from '../config-error.js';
import { type RawValue, toBoolean, toDuration, toInteger, toList } from '../values/coerce.js';
import type { Flag } from './flags.js';

export interface GivenFlag {
  readonly flag: Flag;
  /** `null`: a flag without value. */
  readonly value: string | null;
  /** As an error names it. */
  readonly label: string;
}

/**
 * Tells flags of the table and other words apart.
 * @throws Error for an unknown flag, or one without its argument
 */
export function splitArguments(
  argv: readonly string[],
  table: readonly Flag[],
): { readonly given: readonly GivenFlag[]; readonly words: readonly string[] } {
  const byName = new Map(table.map((flag) => [flag.name, flag]));
  const byShort = new Map(table.map((flag) => [flag.short, flag]));
  const given: GivenFlag[] = [];
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

/**
 * The value checked against the kind of the flag, so that a slip is reported as a slip of that flag.
 * @throws Error
 */
export function typedValue({ flag, value, label }: GivenFlag): RawValue {
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
