/** The arguments of `tideway vault`. */

import { firstWordAt, without } from '../config/command-line/first-word.js';
import { flags as serverFlags } from '../config/command-line/flags.js';
import { splitArguments, typedValue } from '../config/command-line/split.js';
import { reasonOf } from '../config/config-error.js';
import { importUsage, vaultUsage } from './usage.js';

export interface VaultImport {
  /** Path of rportd's `vault.sqlite.db`. */
  readonly file: string;
  /** Arguments that name the configuration. */
  readonly configArguments: readonly string[];
}

export type ParsedVaultCommand =
  | { readonly kind: 'import'; readonly command: VaultImport }
  | { readonly kind: 'usage'; readonly text: string }
  /** `error` without line break. */
  | { readonly kind: 'wrong'; readonly error: string; readonly usage: string };

/** Flags that say where the data are; what only a running server does is none of them. */
const flags = serverFlags.filter(({ name }) => !['service', 'service-user', 'version'].includes(name));

/** Whether the command line is one of these: its first word is `vault`. */
export const isVaultCommand = (argv: readonly string[]): boolean =>
  argv[firstWordAt(argv, serverFlags)] === 'vault';

/** Takes the whole command line. Never throws. */
export function parseVaultCommand(argv: readonly string[]): ParsedVaultCommand {
  const rest = without(argv, firstWordAt(argv, serverFlags));
  const actionAt = firstWordAt(rest, serverFlags);
  const action = rest[actionAt];
  if (action === undefined) return { kind: 'usage', text: vaultUsage() };
  try {
    if (action !== 'import') throw new Error(`unknown command ${JSON.stringify(action)} for "tideway vault"`);
    const { given, words } = splitArguments(without(rest, actionAt), flags);
    const wantsHelp = given.some((one) => one.flag.name === 'help' && typedValue(one) === true);
    if (wantsHelp) return { kind: 'usage', text: importUsage() };
    const [file, ...others] = words;
    if (file === undefined || file === '') throw new Error('the file to import is missing');
    if (others.length > 0) throw new Error(`unexpected argument ${JSON.stringify(others[0])}`);
    return {
      kind: 'import',
      command: {
        file,
        configArguments: given.map(({ flag, value }) => `--${flag.name}${value === null ? '' : `=${value}`}`),
      },
    };
  } catch (thrown) {
    return { kind: 'wrong', error: reasonOf(thrown), usage: importUsage() };
  }
}
