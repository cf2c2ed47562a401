/** What configuration loading needs to know of the machine; tests replace it. */

import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { delimiter, join } from 'node:path';

export interface Surroundings {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Throws the system's error with its `code`. */
  readonly readFile: (path: string) => string;
  /** Whether the name is an executable file, by path or found in `PATH`. */
  readonly isExecutable: (name: string) => boolean;
  readonly isRoot: boolean;
  readonly cores: number;
}

/** The real process; `argv` without interpreter and script. */
export const thisProcess = (): Surroundings => ({
  argv: process.argv.slice(2),
  env: process.env,
  cwd: process.cwd(),
  readFile: (path) => readFileSync(path, 'utf8'),
  isExecutable: (name) => findExecutable(name, process.env.PATH ?? ''),
  isRoot: process.geteuid?.() === 0,
  cores: availableParallelism(),
});

function findExecutable(name: string, path: string): boolean {
  const candidates = name.includes('/') ? [name] : path.split(delimiter).map((folder) => join(folder, name));
  return candidates.some((file) => {
    try {
      accessSync(file, constants.X_OK);
      return statSync(file).isFile();
    } catch {
      return false;
    }
  });
}
