/** The real agent as a child process. `RPORT_BIN` names its binary, `RPORT_OLD_BIN` that of an old release. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeFolder } from './remove-folder.js';
import { AGENT_AUTH } from './server.js';
import type { SudoUser } from './sudo-user.js';

export const agentBinary = process.env.RPORT_BIN;
export const oldAgentBinary = process.env.RPORT_OLD_BIN;
/** For `skip` of a test: false when there is a binary to test with. */
export const noAgent = agentBinary === undefined ? 'RPORT_BIN names no agent binary' : false;
export const noOldAgent = oldAgentBinary === undefined ? 'RPORT_OLD_BIN names no old agent binary' : false;

/**
 * Agents wait up to 10 s before `new_connection`, 5 s after a failure, and both after a lost connection; up to 20 s after
 * the third failure, which is what a server that takes 15 s to start costs them.
 */
export const AGENT_PATIENCE_MS = 90_000;

export interface RealAgentOptions {
  readonly binary?: string;
  readonly agentPort: number;
  readonly id: string;
  readonly fingerprint?: string;
  readonly auth?: string;
  /** As in the agent's configuration, such as `127.0.0.1:22`. */
  readonly remotes?: readonly string[];
  readonly tags?: readonly string[];
  /** It measures its machine, and says that it has a LAN card. */
  readonly monitoring?: boolean;
  /** It keeps tags and labels in a file, as the API sets them. */
  readonly attributes?: boolean;
  /** Runs scripts, and commands below `/usr/bin`. */
  readonly runsCommands?: true;
  /** More sections of its configuration. */
  readonly extra?: string;
  /** Who it runs as, instead of the user who runs the test. */
  readonly user?: SudoUser;
}

export class RealAgent {
  readonly #folder = mkdtempSync(join(tmpdir(), 'tideway-agent-'));
  readonly dataDir = join(this.#folder, 'data');
  readonly #command: readonly string[];
  #child: ChildProcess;
  readonly #watchers = new Set<() => void>();
  #log = '';
  #exited = false;

  constructor(options: RealAgentOptions) {
    const { binary = agentBinary ?? '', agentPort, id, fingerprint = '', auth = AGENT_AUTH } = options;
    const file = join(this.#folder, 'rport.conf');
    const { dataDir } = this;
    const folders = [dataDir, join(dataDir, 'scripts')];
    for (const folder of folders) mkdirSync(folder, { mode: 0o700 });
    writeFileSync(
      file,
      [
        '[client]',
        `server = "http://127.0.0.1:${agentPort}"`,
        `fingerprint = "${fingerprint}"`,
        `auth = "${auth}"`,
        `id = "${id}"`,
        `name = "Agent ${id}"`,
        `data_dir = "${dataDir}"`,
        `tags = ${JSON.stringify(options.tags ?? [])}`,
        `remotes = ${JSON.stringify(options.remotes ?? [])}`,
        'allow_root = true',
        'updates_interval = "0"',
        ...(options.attributes ? [`attributes_file_path = "${join(dataDir, 'attributes.json')}"`] : []),
        '[logging]',
        'log_level = "debug"',
        ...(options.runsCommands
          ? [
              '[remote-commands]',
              'enabled = true',
              "allow = ['^/usr/bin/.*']",
              '[remote-scripts]',
              'enabled = true',
            ]
          : []),
        '[monitoring]',
        ...(options.monitoring ? ['enabled = true', 'net_lan = ["lo", "1000"]'] : ['enabled = false']),
        options.extra ?? '',
        '',
      ].join('\n'),
    );
    const { user } = options;
    if (user !== undefined) {
      for (const path of [this.#folder, ...folders, file]) chownSync(path, user.uid, user.gid);
    }
    this.#command = user?.as([binary, '-c', file]) ?? [binary, '-c', file];
    this.#child = this.#start();
  }

  #start(): ChildProcess {
    this.#exited = false;
    const [program = '', ...rest] = this.#command;
    const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'], cwd: this.#folder });
    const keep = (chunk: Buffer): void => {
      this.#log += chunk.toString();
      for (const check of [...this.#watchers]) check();
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    child.once('close', () => {
      this.#exited = true;
      for (const check of [...this.#watchers]) check();
    });
    return child;
  }

  get exited(): boolean {
    return this.#exited;
  }

  get log(): string {
    return this.#log;
  }

  /** Waits until its log matches. */
  async untilLogged(pattern: RegExp, from = 0): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const fail = (why: string): void => {
        end();
        reject(
          new Error(`${why} waiting for ${pattern}; the agent's log ends with\n${this.#log.slice(-3_000)}`),
        );
      };
      const check = (): void => {
        if (pattern.test(this.#log.slice(from))) {
          end();
          resolve();
        } else if (this.#exited) fail('ended');
      };
      const timer = setTimeout(() => fail('timed out'), AGENT_PATIENCE_MS);
      const end = (): void => {
        clearTimeout(timer);
        this.#watchers.delete(check);
      };
      this.#watchers.add(check);
      check();
    });
  }

  /** SIGKILL. The processes it has started go on. */
  async kill(): Promise<void> {
    if (this.#exited) return;
    const gone = once(this.#child, 'close');
    this.#child.kill('SIGKILL');
    await gone;
  }

  /** After it has ended. */
  startAgain(): void {
    this.#child = this.#start();
  }

  /** Ends it and removes its files. */
  async stop(): Promise<void> {
    await this.kill();
    removeFolder(this.#folder);
  }
}
