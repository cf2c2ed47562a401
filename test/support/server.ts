/** The real server as a child process, on ports of the system's choice and a data folder of its own. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SimulatedAgent, type SimulatedAgentOptions } from '../../bench/fleet/simulated-agent.js';
import { holdPort } from '../../bench/load/hold-port.js';
import { ApiClient, basic } from './api-client.js';
import { eventually } from './eventually.js';
import { onEveryShard } from './every-shard.js';
import { ownPorts, RANDOM_PORTS } from './free-ports.js';
import { removeFolder } from './remove-folder.js';

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));
/** Loaded by every thread of the server before anything else. */
const PROBE = new URL('./server-probe.js', import.meta.url).href;

/** A cold start of two shards on a busy machine takes a few seconds. */
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 20_000;
const LOG_TAIL_CHARACTERS = 6_000;

export const AGENT_AUTH = 'agents:agent-secret';
export const ADMIN = { username: 'admin', password: 'admin-password-1' } as const;
/** Spec 01 §4.2: the fingerprint of key seed `test`. */
export const FINGERPRINT = 'aa:0d:c9:17:67:75:6f:a6:ec:49:65:d4:0f:eb:92:01';

export type TomlValue = string | number | boolean | readonly string[];
export type Section = Readonly<Record<string, TomlValue>>;

export interface TestServerOptions {
  /** Added to and replacing the keys of the base configuration; `null` removes one. */
  readonly server?: Readonly<Record<string, TomlValue | null>>;
  readonly api?: Readonly<Record<string, TomlValue | null>>;
  readonly monitoring?: Section;
  readonly database?: Section;
  /** Other sections, such as `smtp`. */
  readonly sections?: Readonly<Record<string, Section>>;
  /** TOML behind everything else, such as `[[webhooks]]`. */
  readonly extra?: string;
  /** Called with the data folder before the first start. */
  readonly prepare?: (dataDir: string, folder: string) => void | Promise<void>;
  /** The test wants crashes or failed starts: nothing is said about them. */
  readonly mayFail?: boolean;
  /** When the start fails, the test looks into the folder and removes it. */
  readonly keepFolder?: boolean;
  /** Added to its environment, such as `TZ`. */
  readonly env?: Readonly<Record<string, string>>;
  /** Lets the test crash shards, force garbage collections and hurry timers, see `server-probe.ts`. */
  readonly probe?: boolean;
}

export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Files of a server; removed by `remove`. */
export class TestServer {
  readonly folder = mkdtempSync(join(tmpdir(), 'tideway-server-'));
  readonly dataDir = join(this.folder, 'data');
  #options: TestServerOptions;
  #child: ChildProcess | null = null;
  #ending: Promise<Ending> | null = null;
  #exited = false;
  #removed = false;
  #output = '';
  #ownPorts = '';
  #agentPort = 0;
  #apiPort = 0;
  readonly #agents: SimulatedAgent[] = [];
  readonly #watchers = new Set<() => void>();

  private constructor(options: TestServerOptions) {
    this.#options = options;
  }

  /** Starts a server; rejects with its log when it does not come up. */
  static async start(options: TestServerOptions = {}): Promise<TestServer> {
    const server = new TestServer(options);
    try {
      mkdirSync(server.dataDir, { recursive: true });
      await options.prepare?.(server.dataDir, server.folder);
      await server.startAgain();
    } catch (error) {
      if (!options.keepFolder) await server.remove();
      throw error;
    }
    return server;
  }

  get agentPort(): number {
    return this.#agentPort;
  }

  get apiPort(): number {
    return this.#apiPort;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get running(): boolean {
    return this.#child !== null && !this.#exited;
  }

  /** All it has printed and logged so far, over all its starts. */
  get output(): string {
    return this.#output;
  }

  /** The API as an administrator, or as somebody else. */
  api(username: string = ADMIN.username, password: string = ADMIN.password): ApiClient {
    return new ApiClient(this.#apiPort, { authorization: basic(username, password) });
  }

  /** The API without credentials. */
  anonymous(): ApiClient {
    return new ApiClient(this.#apiPort);
  }

  /**
   * Waits until all shards know the client as a connected one: the news reaches the others a moment after the
   * agent's own reply. `api`: of somebody who may see it.
   */
  async untilKnown(id: string, api: ApiClient = this.api(), timeoutMs?: number): Promise<void> {
    await onEveryShard(
      `${id} to be known as connected`,
      async () => (await stateOf(api, id)) === 'connected',
      timeoutMs,
    );
  }

  /** Waits until all shards know that the client is not connected any more. */
  async untilGone(id: string, api: ApiClient = this.api()): Promise<void> {
    await onEveryShard(`${id} to be known as gone`, async () => (await stateOf(api, id)) === 'disconnected');
  }

  /** Starts on the same data folder and, from the second time on, on the same ports. */
  async startAgain(): Promise<void> {
    const file = join(this.folder, 'rportd.conf');
    this.#ownPorts = await ownPorts();
    writeFileSync(file, this.#configuration());
    const seen = this.#output.length;
    const probe = this.#options.probe ? ['--expose-gc', '--import', PROBE] : [];
    const child = spawn(process.execPath, ['--enable-source-maps', ...probe, MAIN, '-c', file], {
      cwd: this.folder,
      env: { PATH: process.env.PATH ?? '', HOME: this.folder, LANG: 'C', ...this.#options.env },
      stdio: ['ignore', 'pipe', 'pipe', ...(this.#options.probe ? ['ipc' as const] : [])],
    });
    this.#child = child;
    this.#exited = false;
    // 'close' comes after the last byte of its output, 'exit' may come before.
    this.#ending = once(child, 'close').then(async ([code, signal]) => {
      this.#exited = true;
      this.#notify();
      // Nobody else of this machine gets its ports before it starts again.
      if (!this.#removed) await Promise.all([this.#agentPort, this.#apiPort].filter(Boolean).map(holdPort));
      return { code, signal } as Ending;
    });
    const keep = (chunk: Buffer): void => {
      this.#output += chunk.toString();
      this.#notify();
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', (chunk: Buffer) => {
      keep(chunk);
      if (!this.#options.mayFail) process.stderr.write(chunk);
    });
    const printed = (): RegExpExecArray | null =>
      /^ +Agents +http:\/\/\S+:(\d+)$[\s\S]*^ +Fingerprint /m.exec(this.#output.slice(seen));
    await this.#when(() => printed() !== null || !this.running, START_TIMEOUT_MS, 'the server to start');
    const agents = printed();
    if (agents === null) {
      const { code, signal } = await this.#ending;
      throw new Error(`the server ended while starting (exit code ${code ?? signal}):\n${this.tail()}`);
    }
    this.#agentPort = Number(agents[1]);
    this.#apiPort = Number(
      /^ +API +https?:\/\/\S+:(\d+)\/api\/v1$/m.exec(this.#output.slice(seen))?.[1] ?? 0,
    );
  }

  /** SIGTERM; resolves with how it ended. */
  stop(): Promise<Ending> {
    return this.#end('SIGTERM');
  }

  /** SIGKILL. */
  kill(): Promise<Ending> {
    return this.#end('SIGKILL');
  }

  /** Adds to the settings, has them reloaded, and resolves with the line that says how it went. */
  async reload({
    api,
    sections,
    extra,
  }: Pick<TestServerOptions, 'api' | 'sections' | 'extra'>): Promise<string> {
    const old = this.#options;
    this.#options = { ...old, api: { ...old.api, ...api }, sections: { ...old.sections, ...sections } };
    if (extra !== undefined) this.#options = { ...this.#options, extra };
    writeFileSync(join(this.folder, 'rportd.conf'), this.#configuration());
    const seen = this.#output.length;
    process.kill(this.pid, 'SIGHUP');
    return this.untilLogged(/configuration (?:reloaded|was not reloaded).*/, seen);
  }

  /** Kills it at once and starts it again. */
  async crashAndRestart(): Promise<void> {
    await this.kill();
    await this.startAgain();
  }

  /** Ends it and removes its files. Fails when a shard has crashed or the server does not end in order. */
  async remove(): Promise<void> {
    this.#removed = true;
    for (const agent of this.#agents) agent.destroy();
    const wasRunning = this.running;
    const ending = wasRunning ? await this.stop() : null;
    removeFolder(this.folder);
    if (this.#options.mayFail) return;
    const crash = /^.*shard \d+ (?:crashed|ended unexpectedly)[\s\S]{0,2000}/m.exec(this.#output)?.[0];
    if (crash !== undefined) throw new Error(`a shard crashed:\n${crash}`);
    if (ending !== null && ending.code !== 0) {
      throw new Error(`the server ended with ${JSON.stringify(ending)}:\n${this.tail()}`);
    }
  }

  /** A simulated agent that is connected and listed; `fields` replace those of its `new_connection`. */
  async agent(
    id: string,
    fields: Readonly<Record<string, unknown>> = {},
    options: Partial<SimulatedAgentOptions> = {},
  ): Promise<SimulatedAgent> {
    const agent = await SimulatedAgent.connect({
      port: this.#agentPort,
      auth: AGENT_AUTH,
      fields: { ID: id, ...fields },
      ...options,
    });
    this.#agents.push(agent);
    return agent;
  }

  /**
   * `agent`, for a client that is shown as gone: who decides whether it is let in hears of the end a moment after
   * that. Agents come again, too.
   */
  agentAgain(
    id: string,
    fields: Readonly<Record<string, unknown>> = {},
    options: Partial<SimulatedAgentOptions> = {},
  ): Promise<SimulatedAgent> {
    return eventually(`the end of ${id} to be known`, () =>
      this.agent(id, fields, options).then(
        (agent) => ({ agent }),
        (error: Error) => (error.message.startsWith('client is already connected') ? undefined : { error }),
      ),
    ).then((outcome) => {
      if ('error' in outcome) throw outcome.error;
      return outcome.agent;
    });
  }

  /** The end of what it printed, for messages of failed tests. */
  tail(): string {
    return this.#output.slice(-LOG_TAIL_CHARACTERS);
  }

  /** Waits until what it prints from now on, or has printed since `from`, matches. */
  async untilLogged(pattern: RegExp, from = 0, timeoutMs = 30_000): Promise<string> {
    const matched = (): string | undefined => pattern.exec(this.#output.slice(from))?.[0];
    await this.#when(() => matched() !== undefined || !this.running, timeoutMs, String(pattern));
    const found = matched();
    if (found === undefined) throw new Error(`the server ended before it logged ${pattern}`);
    return found;
  }

  /** Tells the probe something; only with `probe: true`. */
  command(message: Readonly<Record<string, unknown>>): void {
    this.#child?.send(message);
  }

  /** Resident memory in MiB, after a garbage collection of every thread when there is a probe. */
  async residentMiB(): Promise<number> {
    if (this.#options.probe) {
      const child = this.#child;
      const collected = new Promise<void>((resolve) => {
        const done = (message: unknown): void => {
          if (message !== 'collected') return;
          child?.off('message', done);
          resolve();
        };
        child?.on('message', done);
      });
      this.command({ type: 'collect' });
      await collected;
    }
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) / 1024;
  }

  #end(signal: NodeJS.Signals): Promise<Ending> {
    const child = this.#child;
    const ending = this.#ending;
    if (child === null || ending === null) return Promise.resolve({ code: null, signal: null });
    child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    return ending.finally(() => clearTimeout(timer));
  }

  #configuration(): string {
    const { server, api, monitoring, database } = this.#options;
    const sections: Record<string, Readonly<Record<string, TomlValue | null>>> = {
      server: {
        address: `127.0.0.1:${this.#agentPort}`,
        key_seed: 'test',
        auth: AGENT_AUTH,
        data_dir: this.dataDir,
        used_ports: [RANDOM_PORTS, this.#ownPorts],
        allow_root: true,
        shards: 2,
        ...server,
      },
      api: {
        address: `127.0.0.1:${this.#apiPort}`,
        auth: `${ADMIN.username}:${ADMIN.password}`,
        jwt_secret: 'jwt-secret-of-the-tests',
        ...api,
      },
      logging: { log_level: 'info' },
      ...(monitoring === undefined ? {} : { monitoring }),
      ...(database === undefined ? {} : { database }),
      ...this.#options.sections,
    };
    const texts = Object.entries(sections).map(([name, keys]) => `[${name}]\n${toToml(keys)}`);
    return [...texts, this.#options.extra ?? ''].join('\n');
  }

  #when(condition: () => boolean, timeoutMs: number, what: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const check = (): void => {
        if (!condition()) return;
        end();
        resolve();
      };
      const timer = setTimeout(() => {
        end();
        reject(new Error(`waited ${timeoutMs} ms for ${what}; the log ends with\n${this.tail()}`));
      }, timeoutMs);
      const end = (): void => {
        clearTimeout(timer);
        this.#watchers.delete(check);
      };
      this.#watchers.add(check);
      check();
    });
  }

  #notify(): void {
    for (const check of [...this.#watchers]) check();
  }
}

/** Whether a client is connected; `undefined` when it is not known. Throws when that may not be asked. */
async function stateOf(api: ApiClient, id: string): Promise<string | undefined> {
  const answer = await api.get(`/clients/${encodeURIComponent(id)}?fields[clients]=connection_state`);
  return answer.status === 404 ? undefined : answer.data<{ connection_state: string }>().connection_state;
}

function toToml(keys: Readonly<Record<string, TomlValue | null>>): string {
  return Object.entries(keys)
    .filter(([, value]) => value !== null)
    .map(([key, value]) => `${key} = ${JSON.stringify(value)}\n`)
    .join('');
}
