/** A server process being measured, ours or the reference. */

import type { ChildProcess } from 'node:child_process';
import { createServer } from 'node:net';

export interface ServerUnderTest {
  readonly name: 'tideway' | 'reference';
  readonly pid: number;
  readonly agentPort: number;
  readonly apiPort: number;
  /** `Authorization` header of an administrator. */
  readonly authorization: string;
  stop(): Promise<void>;
}

export const AGENT_AUTH = 'fleet:fleet-secret';
export const ADMIN = { user: 'admin', password: 'bench-password-1' } as const;

export const basicAuthorization = `Basic ${Buffer.from(`${ADMIN.user}:${ADMIN.password}`).toString('base64')}`;

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

/** The configuration both servers are started with. */
export function configurationFor(options: {
  readonly agentPort: number;
  readonly apiPort: number;
  readonly dataDir: string;
  readonly handshakes?: number;
  /** Path of a users file, instead of the single user. Failed logins are then neither delayed nor banned. */
  readonly usersFile?: string;
  /** TOML behind everything else. */
  readonly extra?: string;
}): string {
  return [
    '[server]',
    `address = "127.0.0.1:${options.agentPort}"`,
    'key_seed = "bench-seed"',
    `auth = "${AGENT_AUTH}"`,
    `data_dir = "${options.dataDir}"`,
    'used_ports = ["20000-45000"]',
    'allow_root = true',
    ...(options.handshakes === undefined ? [] : [`max_concurrent_ssh_handshakes = ${options.handshakes}`]),
    '[logging]',
    'log_level = "error"',
    '[api]',
    `address = "127.0.0.1:${options.apiPort}"`,
    ...(options.usersFile === undefined
      ? [`auth = "${ADMIN.user}:${ADMIN.password}"`]
      : [`auth_file = "${options.usersFile}"`, 'user_login_wait = 0', 'max_failed_login = 0']),
    'jwt_secret = "bench-jwt-secret"',
    'enable_audit_log = false',
    '[monitoring]',
    'enabled = true',
    options.extra ?? '',
    '',
  ].join('\n');
}

/** Polls until the API answers anything; the process must live meanwhile. */
export async function untilAnswering(child: ChildProcess, apiPort: number): Promise<void> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`server exited with ${child.exitCode}`);
    try {
      await fetch(`http://127.0.0.1:${apiPort}/api/v1/login`);
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** Asks with `first`, then kills, and resolves when the process is gone. */
export async function stopProcess(child: ChildProcess, graceMs = 10_000): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
  await gone;
  clearTimeout(timer);
}
