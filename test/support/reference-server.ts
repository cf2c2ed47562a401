/** The reference server as a child process. `RPORTD_BIN` names its binary. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApiClient, basic } from './api-client.js';
import { eventually } from './eventually.js';
import { freePorts } from './free-ports.js';
import { removeFolder } from './remove-folder.js';

const binary = process.env.RPORTD_BIN;
/** For `skip` of a test: false when there is a server to test beside. */
export const noReference = binary === undefined ? 'RPORTD_BIN names no reference server' : false;

type Section = Readonly<Record<string, string | number | boolean>>;

export class ReferenceServer {
  readonly #folder = mkdtempSync(join(tmpdir(), 'tideway-reference-'));
  readonly #child: ChildProcess;
  readonly #apiPort: number;
  #log = '';

  private constructor(agentPort: number, apiPort: number, sections: Readonly<Record<string, Section>>) {
    this.#apiPort = apiPort;
    const dataDir = join(this.#folder, 'data');
    mkdirSync(dataDir);
    const complete: Readonly<Record<string, Section>> = {
      ...sections,
      server: {
        address: `127.0.0.1:${agentPort}`,
        key_seed: 'test',
        data_dir: dataDir,
        allow_root: true,
        ...sections.server,
      },
      api: {
        address: `127.0.0.1:${apiPort}`,
        jwt_secret: 'secret',
        user_login_wait: 0,
        max_failed_login: 0,
        ...sections.api,
      },
    };
    const file = join(this.#folder, 'rportd.conf');
    writeFileSync(
      file,
      Object.entries(complete)
        .map(([name, keys]) =>
          [
            `[${name}]`,
            ...Object.entries(keys).map(([key, value]) => `${key} = ${JSON.stringify(value)}`),
            '',
          ].join('\n'),
        )
        .join('\n'),
    );
    this.#child = spawn(binary ?? '', ['-c', file], { stdio: ['ignore', 'pipe', 'pipe'], cwd: this.#folder });
    const keep = (chunk: Buffer): void => {
      this.#log += chunk.toString();
    };
    this.#child.stdout?.on('data', keep);
    this.#child.stderr?.on('data', keep);
  }

  /** Rejects with its log when its API does not answer. */
  static async start(sections: Readonly<Record<string, Section>>): Promise<ReferenceServer> {
    const [agentPort = 0, apiPort = 0] = await freePorts(2);
    const server = new ReferenceServer(agentPort, apiPort, sections);
    try {
      await eventually('the reference server', async () => {
        if (server.#child.exitCode !== null) return true;
        return (await new ApiClient(apiPort).get('/auth/provider')).status === 200;
      });
      if (server.#child.exitCode !== null) throw new Error(`the reference server ended:\n${server.#log}`);
      return server;
    } catch (error) {
      await server.remove();
      throw error;
    }
  }

  get dataDir(): string {
    return join(this.#folder, 'data');
  }

  api(username: string, password: string): ApiClient {
    return new ApiClient(this.#apiPort, {
      authorization: basic(username, password),
      'content-type': 'application/json',
    });
  }

  /** Ends it and removes its files. */
  async remove(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const gone = once(this.#child, 'exit');
      this.#child.kill('SIGKILL');
      await gone;
    }
    removeFolder(this.#folder);
  }
}
