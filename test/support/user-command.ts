/** `tideway user …` and other commands as a child process. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));

export interface CommandResult {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface CommandSurroundings {
  readonly cwd: string;
  /** Standard input; it stays open behind a line break at its end. Default: closed. */
  readonly input?: string;
}

export const userCommand = (
  args: readonly string[],
  surroundings: CommandSurroundings,
): Promise<CommandResult> => tidewayCommand(['user', ...args], surroundings);

export async function tidewayCommand(
  args: readonly string[],
  { cwd, input }: CommandSurroundings,
): Promise<CommandResult> {
  const child = spawn(process.execPath, ['--enable-source-maps', MAIN, ...args], {
    cwd,
    env: { PATH: process.env.PATH ?? '', HOME: cwd, LANG: 'C' },
  });
  // It may end without having read everything.
  child.stdin.on('error', () => undefined);
  if (input?.endsWith('\n')) child.stdin.write(input);
  else child.stdin.end(input ?? '');
  const [out, err, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit') as Promise<[number | null]>,
  ]);
  child.stdin.destroy();
  return { code, out, err };
}
