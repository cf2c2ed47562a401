/** The arguments of `tideway audit`. */

import { flags as serverFlags } from '../config/command-line/flags.js';
import { splitArguments, typedValue } from '../config/command-line/split.js';
import { reasonOf } from '../config/config-error.js';

export type ParsedAuditCommand =
  /** `configArguments` name the configuration. */
  | { readonly kind: 'verify'; readonly configArguments: readonly string[] }
  | { readonly kind: 'usage' }
  /** Without line break. */
  | { readonly kind: 'wrong'; readonly error: string };

/** Flags that say where the log is; what only a running server does is none of them. */
const table = serverFlags.filter(({ name }) => !['service', 'service-user', 'version'].includes(name));

/** Whether the command line is one of these: its first word is `audit`. */
export function isAuditCommand(argv: readonly string[]): boolean {
  try {
    return splitArguments(argv, serverFlags).words[0] === 'audit';
  } catch {
    // What it complains of is for the command that it is then.
    return argv[0] === 'audit';
  }
}

/** Takes the whole command line. Never throws. */
export function parseAuditCommand(argv: readonly string[]): ParsedAuditCommand {
  try {
    const { given, words } = splitArguments(argv, table);
    const help = given.some((one) => one.flag.name === 'help' && typedValue(one) === true);
    for (const one of given) typedValue(one);
    const [, action, extra] = words;
    if (help || action === undefined) return { kind: 'usage' };
    if (action !== 'verify') throw new Error(`unknown command ${JSON.stringify(action)} for "tideway audit"`);
    if (extra !== undefined) throw new Error(`unexpected argument ${JSON.stringify(extra)}`);
    return {
      kind: 'verify',
      configArguments: given.map(({ flag, value }) => `--${flag.name}${value === null ? '' : `=${value}`}`),
    };
  } catch (thrown) {
    return { kind: 'wrong', error: reasonOf(thrown) };
  }
}
