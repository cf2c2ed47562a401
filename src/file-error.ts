/** Errors of the system about files, in the words of the reference. */

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
  EISDIR: 'is a directory',
  ENOTDIR: 'not a directory',
};

/** Code of a system error (`ENOENT`), empty for anything else. */
export const codeOf = (thrown: unknown): string =>
  thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';

/** `open <path>: no such file or directory`, as the reference words file errors. */
export const fileError = (path: string, thrown: unknown): string =>
  `open ${path}: ${reasons[codeOf(thrown)] ?? (thrown instanceof Error ? thrown.message : String(thrown))}`;
