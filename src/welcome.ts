/** What a freshly started server tells the person who started it. */

import type { PreparedConfig } from './config/bootstrap.js';
import { parseListenAddress } from './config/values/listen-address.js';
import type { RunningServer } from './workers/serve.js';

export interface Welcome extends Omit<PreparedConfig, 'adminWasShown'> {
  readonly server: Pick<RunningServer, 'agentPort' | 'apiPort' | 'fingerprint'>;
  readonly version: string;
}

/** Addresses, fingerprint, the agent's command line, and a new administrator's password, once. */
export function welcome({ config, server, newAdmin, agentCredential, version }: Welcome): string {
  const lines = [`Tideway ${version} is running. Data: ${config.server.dataDir}`, ''];
  const entry = (name: string, value: string): void => {
    lines.push(`  ${name.padEnd(13)} ${value}`);
  };
  if (server.apiPort !== 0) {
    const scheme = config.api.certFile === '' ? 'http' : 'https';
    const base = `${scheme}://${reachable(config.api.address, server.apiPort)}/api/v1`;
    entry('API', base);
    entry('API docs', `${base}/docs`);
  }
  entry('Agents', `http://${reachable(config.server.address, server.agentPort)}`);
  entry('Fingerprint', server.fingerprint);
  if (newAdmin !== null) {
    entry('Login', `${newAdmin.username} / ${newAdmin.password}   (shown only this once)`);
  }
  if (agentCredential !== null) {
    const host = reachable(config.server.address, server.agentPort);
    lines.push(
      '',
      'Connect an agent:',
      `  rport --auth ${quoted(`${agentCredential.id}:${agentCredential.password}`)} --fingerprint ${server.fingerprint} http://${host}`,
    );
  }
  return lines.join('\n');
}

/** An address to type on this machine for a listener that may be bound to all interfaces. */
function reachable(address: string, port: number): string {
  const { host } = parseListenAddress(address);
  const shown = host === '' || host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `${shown.includes(':') ? `[${shown}]` : shown}:${port}`;
}

/** For a POSIX shell; plain words stay as they are. */
const quoted = (word: string): string =>
  /^[\w.:@%+=/-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
