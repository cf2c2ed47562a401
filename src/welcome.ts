/** What a freshly started server tells the person who started it. */

import type { PreparedConfig } from './config/bootstrap.js';
import { parseListenAddress } from './config/values/listen-address.js';
import type { RunningServer } from './workers/serve.js';

const HIDDEN = '<password>';

export interface Welcome extends Omit<PreparedConfig, 'adminWasShown'> {
  readonly server: Pick<RunningServer, 'agentPort' | 'apiPort' | 'fingerprint'>;
  readonly version: string;
  /** Somebody reads it on a terminal; otherwise it is kept in a file or a journal that others may read. */
  readonly onTerminal: boolean;
}

/** Addresses, fingerprint, the agent's command line, and passwords that nobody has seen yet, once. */
export function welcome(parts: Welcome): string {
  const { config, server, newAdmin, agentCredential, version, onTerminal } = parts;
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
    const { id, isNew } = agentCredential;
    const password = isNew || onTerminal ? agentCredential.password : HIDDEN;
    lines.push(
      '',
      'Connect an agent:',
      `  rport --auth ${quoted(`${id}:${password}`)} --fingerprint ${server.fingerprint} http://${host}`,
    );
    if (password === HIDDEN) lines.push(`  ${HIDDEN}: ${whereToFind(config)}`);
  }
  return lines.join('\n');
}

const whereToFind = ({ server, api }: Welcome['config']): string => {
  if (server.clientAuth !== null) return "'auth' of section [server]";
  return api.address === '' ? 'shown by a start on a terminal' : 'as administrator, GET /api/v1/clients-auth';
};

/** An address to type on this machine for a listener that may be bound to all interfaces. */
function reachable(address: string, port: number): string {
  const { host } = parseListenAddress(address);
  const shown = host === '' || host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `${shown.includes(':') ? `[${shown}]` : shown}:${port}`;
}

/** For a POSIX shell; plain words stay as they are. */
const quoted = (word: string): string =>
  /^[\w.:@%+=/-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
