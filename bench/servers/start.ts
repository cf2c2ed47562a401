/** Starts the servers to compare: ours from the build, the reference from the binary `RPORTD_BIN` names. */

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  basicAuthorization,
  configurationFor,
  freePort,
  type ServerUnderTest,
  stopProcess,
  untilAnswering,
} from './server-under-test.js';

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));

export interface StartOptions {
  /** Handshake slots; default: each server's own default. */
  readonly handshakes?: number;
  /** Text of a users file for each server; the administrator of `server-under-test.ts` must be in it. */
  readonly users?: Readonly<Record<ServerUnderTest['name'], string>>;
  /** TOML behind the configuration, such as `[[webhooks]]`. */
  readonly extra?: string;
  /** Called with the data folder before the start. */
  readonly prepare?: (dataDir: string) => Promise<void>;
  /** Extra arguments for node, such as `--cpu-prof`. Ours only. */
  readonly nodeArguments?: readonly string[];
}

export const startTideway = (options: StartOptions = {}): Promise<ServerUnderTest> =>
  start('tideway', process.execPath, [...(options.nodeArguments ?? []), MAIN], options);

/** `null` when no reference binary is named. */
export function startReference(options: StartOptions = {}): Promise<ServerUnderTest> | null {
  const binary = process.env.RPORTD_BIN;
  return binary === undefined ? null : start('reference', binary, [], options);
}

async function start(
  name: ServerUnderTest['name'],
  command: string,
  leading: readonly string[],
  options: StartOptions,
): Promise<ServerUnderTest> {
  const folder = mkdtempSync(join(tmpdir(), `bench-${name}-`));
  const agentPort = await freePort();
  const apiPort = await freePort();
  const configuration = join(folder, 'rportd.conf');
  const usersFile = join(folder, 'users.json');
  if (options.users !== undefined) writeFileSync(usersFile, options.users[name]);
  writeFileSync(
    configuration,
    configurationFor({
      agentPort,
      apiPort,
      dataDir: join(folder, 'data'),
      ...(options.handshakes === undefined ? {} : { handshakes: options.handshakes }),
      ...(options.users === undefined ? {} : { usersFile }),
      ...(options.extra === undefined ? {} : { extra: options.extra }),
    }),
  );
  await options.prepare?.(join(folder, 'data'));
  const child = spawn(command, [...leading, '-c', configuration], {
    stdio: ['ignore', 'ignore', 'inherit'],
    cwd: folder,
  });
  await untilAnswering(child, apiPort);
  if (child.pid === undefined) throw new Error(`${name} did not start`);
  return {
    name,
    pid: child.pid,
    agentPort,
    apiPort,
    authorization: basicAuthorization,
    async stop() {
      await stopProcess(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
