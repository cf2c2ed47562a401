import type { Flag } from './flags.js';

/** Index of the first argument that is neither a flag of `table` nor the value of one; -1 without. */
export function firstWordAt(argv: readonly string[], table: readonly Flag[]): number {
  for (let at = 0; at < argv.length; at += 1) {
    const argument = argv[at] ?? '';
    if (argument === '--') return at + 1 < argv.length ? at + 1 : -1;
    if (!argument.startsWith('-') || argument === '-') return at;
    const flag = table.find(({ name, short }) => argument === `--${name}` || argument === `-${short}`);
    if (flag !== undefined && flag.kind !== 'bool') at += 1;
  }
  return -1;
}

/** `argv` without the argument at `index`. */
export const without = (argv: readonly string[], index: number): readonly string[] =>
  index < 0 ? argv : argv.filter((_, at) => at !== index);
