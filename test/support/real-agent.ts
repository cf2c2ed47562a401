/** The real agent as a child process. `RPORT_BIN` names its binary, `RPORT_OLD_BIN` that of an old release. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AGENT_AUTH } from './server.js';

export const agentBinary = process.env.RPORT_BIN;
export const oldAgentBinary = process.env.RPORT_OLD_BIN;
/** For `skip` of a test: false when there is a binary to test with. */
export const noAgent = agentBinary === undefined ? 'RPORT_BIN names no agent binary' : false;
export const noOldAgent = oldAgentBinary === undefined ? 'RPORT_OLD_BIN names no old agent binary' : false;

/** Agents wait up to 10 s before `new_connection`, 5 s after a failure, and both after a lost connection. */
export const AGENT_PATIENCE_MS = 45_000;

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
}

export class RealAgent {
  readonly #folder = mkdtempSync(join(tmpdir(), 'tideway-agent-'));
  readonly #child: ChildProcess;
  readonly #watchers = new Set<() => void>();
  #log = '';
  #exited = false;

  constructor(options: RealAgentOptions) {
    const { binary = agentBinary ?? '', agentPort, id, fingerprint = '', auth = AGENT_AUTH } = options;
    const file = join(this.#folder, 'rport.conf');
    const dataDir = join(this.#folder, 'data');
    mkdirSync(dataDir);
    if (options.runsCommands) mkdirSync(join(dataDir, 'scripts'), { mode: 0o700 });
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
        '',
      ].join('\n'),
    );
    this.#child = spawn(binary, ['-c', file], { stdio: ['ignore', 'pipe', 'pipe'], cwd: this.#folder });
    const keep = (chunk: Buffer): void => {
      this.#log += chunk.toString();
      for (const check of [...this.#watchers]) check();
    };
    this.#child.stdout?.on('data', keep);
    this.#child.stderr?.on('data', keep);
    this.#child.once('close', () => {
      this.#exited = true;
      for (const check of [...this.#watchers]) check();
    });
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

  /** Ends it and removes its files. */
  async stop(): Promise<void> {
    if (!this.#exited) {
      const gone = once(this.#child, 'close');
      this.#child.kill('SIGKILL');
      await gone;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
