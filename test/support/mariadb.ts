/** A private MariaDB server: its own data in a temporary folder, a socket and a port on loopback. */

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { createConnection } from 'mysql2/promise';
import type { DatabaseConfig } from '../../src/config/types.js';
import { freePorts } from './free-ports.js';
import { removeFolder } from './remove-folder.js';

/** Where systems put servers that are not in the path of ordinary users. */
const FOLDERS = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
const START_TIMEOUT_MS = 60_000;

const server = findProgram('mariadbd');
const installer = findProgram('mariadb-install-db');
/** For `skip` of a test: false when there is a server to test with. */
export const noMariadb =
  server === undefined || installer === undefined
    ? 'MariaDB (mariadbd, mariadb-install-db) is not installed'
    : false;

/** Everything as small as it gets, and no care for power losses: a start takes about a second. */
const SETTINGS = [
  '--innodb-buffer-pool-size=8M',
  '--innodb-log-file-size=4M',
  '--innodb-flush-log-at-trx-commit=2',
  '--innodb-doublewrite=0',
  '--aria-pagecache-buffer-size=1M',
  '--key-buffer-size=1M',
  '--performance-schema=0',
  '--skip-log-bin',
  '--skip-name-resolve',
  '--bind-address=127.0.0.1',
  // Nothing here depends on a strict server: it would cut what does not fit.
  '--sql-mode=',
];
/** Needed as root, and refused with a warning otherwise. */
const AS_ROOT = process.geteuid?.() === 0 ? ['--user=root'] : [];

/** Runs the server, and ends it when this process is gone, however that ended. */
const GUARDED = `
  exec 3<&0
  "$@" </dev/null 3<&- &
  server=$!
  (read -r _ <&3; kill -9 $server) 2>/dev/null &
  wait $server
  kill $!`;

const USER = 'tideway';
/** Odd, so that it shows where it ends up. */
export const MARIADB_PASSWORD = 'pass`word\'"@:/?';

export class Mariadb {
  readonly folder = mkdtempSync(join(tmpdir(), 'tideway-mariadb-'));
  readonly socket = join(this.folder, 'socket');
  readonly #dataDir = join(this.folder, 'data');
  /** Its own: a server that starts removes the temporary tables of all others from there. */
  readonly #temporary = join(this.folder, 'tmp');
  readonly #pidFile = join(this.folder, 'pid');
  #port = 0;
  #child: ChildProcess | null = null;
  #databases = 0;

  private constructor() {}

  /** Installs and starts one. Rejects with its log when it does not come up. */
  static async start(): Promise<Mariadb> {
    const mariadb = new Mariadb();
    try {
      await mariadb.#install();
      await mariadb.startServer();
      await mariadb.run(`CREATE USER '${USER}'@'127.0.0.1' IDENTIFIED BY ?`, [MARIADB_PASSWORD]);
      await mariadb.run(`CREATE USER '${USER}'@'localhost' IDENTIFIED BY ?`, [MARIADB_PASSWORD]);
      return mariadb;
    } catch (error) {
      await mariadb.remove();
      throw error;
    }
  }

  get host(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** A new, empty database, and how to reach it over TCP; with `socket`, over that. */
  async createDatabase(over: 'tcp' | 'socket' = 'tcp'): Promise<DatabaseConfig> {
    this.#databases += 1;
    const dbName = `test_${this.#databases}`;
    await this.run(`CREATE DATABASE ${dbName} CHARACTER SET utf8mb4`);
    for (const from of ['127.0.0.1', 'localhost']) {
      await this.run(`GRANT SELECT, INSERT, UPDATE, DELETE ON ${dbName}.* TO '${USER}'@'${from}'`);
    }
    const dbHost = over === 'tcp' ? this.host : `socket:${this.socket}`;
    return { dbType: 'mysql', dbHost, dbUser: USER, dbPassword: MARIADB_PASSWORD, dbName };
  }

  /** As its administrator, over a connection of its own. May be several statements when there are no values. */
  async run(sql: string, values: readonly unknown[] = [], database?: string): Promise<readonly unknown[]> {
    const connection = await createConnection({
      socketPath: this.socket,
      user: 'root',
      multipleStatements: values.length === 0,
      ...(database === undefined ? {} : { database }),
    });
    try {
      const [rows] = await connection.query(sql, [...values]);
      return Array.isArray(rows) ? rows : [];
    } finally {
      await connection.end();
    }
  }

  /** On the same port from the second time on. */
  async startServer(): Promise<void> {
    if (this.#port === 0) this.#port = (await freePorts(1))[0] ?? 0;
    const child = spawn(
      '/bin/sh',
      [
        '-c',
        GUARDED,
        'sh',
        server ?? '',
        '--no-defaults',
        ...AS_ROOT,
        ...SETTINGS,
        `--datadir=${this.#dataDir}`,
        `--tmpdir=${this.#temporary}`,
        `--socket=${this.socket}`,
        `--port=${this.#port}`,
        `--pid-file=${this.#pidFile}`,
      ],
      { stdio: ['pipe', 'ignore', 'pipe'] },
    );
    this.#child = child;
    let log = '';
    await new Promise<void>((resolve, reject) => {
      const fail = (why: string): void => {
        clearTimeout(timer);
        reject(new Error(`MariaDB ${why}:\n${log.slice(-3_000)}`));
      };
      const timer = setTimeout(() => fail('did not start in time'), START_TIMEOUT_MS);
      child.once('error', (error) => fail(error.message));
      child.once('exit', () => fail('ended'));
      child.stderr?.on('data', (chunk: Buffer) => {
        log += chunk.toString();
        if (!log.includes('ready for connections')) return;
        clearTimeout(timer);
        resolve();
      });
    });
  }

  /** In order, or with `SIGKILL`. */
  async stopServer(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    // One that has not come up is ended by its guard.
    if (!this.#signal(signal)) child.stdin?.destroy();
    await gone;
    child.stdin?.destroy();
    // A killed one leaves it, and the number may soon be somebody else's.
    rmSync(this.#pidFile, { force: true });
  }

  /** It keeps its connections and answers nothing. */
  freeze(): void {
    this.#signal('SIGSTOP');
  }

  unfreeze(): void {
    if (this.#child !== null) this.#signal('SIGCONT');
  }

  /** Ends it and removes its files. */
  async remove(): Promise<void> {
    this.unfreeze();
    await this.stopServer('SIGKILL');
    removeFolder(this.folder);
  }

  /** `false`: it has not come up yet, or has ended by itself. */
  #signal(signal: NodeJS.Signals): boolean {
    try {
      return process.kill(Number(readFileSync(this.#pidFile, 'utf8')), signal);
    } catch {
      return false;
    }
  }

  async #install(): Promise<void> {
    mkdirSync(this.#temporary);
    await promisify(execFile)(installer ?? '', [
      '--no-defaults',
      ...AS_ROOT,
      `--datadir=${this.#dataDir}`,
      `--tmpdir=${this.#temporary}`,
      '--auth-root-authentication-method=normal',
      '--skip-test-db',
      '--innodb-log-file-size=4M',
      '--innodb-buffer-pool-size=8M',
    ]);
  }
}

function findProgram(name: string): string | undefined {
  return FOLDERS.map((folder) => join(folder, name)).find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
