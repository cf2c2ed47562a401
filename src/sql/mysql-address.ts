/** Where a MySQL server listens: the forms of `database.db_host`. Spec 02 §1. */

import { isIPv6 } from 'node:net';

export type MysqlAddress = { readonly host: string; readonly port: number } | { readonly socketPath: string };

const DEFAULT_HOST = '127.0.0.1';
const DEFAULT_PORT = 3306;
const SOCKET = 'socket:';

/** `host`, `host:port`, `[v6]:port`, `socket:/path`; empty is the local host. Throws `Error` for anything else. */
export function parseMysqlAddress(text: string): MysqlAddress {
  const bad = (): Error =>
    new Error(`invalid db_host ${JSON.stringify(text)}: expected <host>:<port> or socket:<path>`);
  if (text.startsWith(SOCKET)) {
    const socketPath = text.slice(SOCKET.length);
    if (socketPath === '') throw bad();
    return { socketPath };
  }
  if (text === '') return { host: DEFAULT_HOST, port: DEFAULT_PORT };
  if (isIPv6(text)) return { host: text, port: DEFAULT_PORT };
  const [, v6, name, port] = /^(?:\[([^\]]+)\]|([^:/\s]*))(?::(\d{1,5}))?$/.exec(text) ?? [];
  if (v6 === undefined && name === undefined) throw bad();
  if (v6 !== undefined && !isIPv6(v6)) throw bad();
  const number = port === undefined ? DEFAULT_PORT : Number(port);
  if (number < 1 || number > 65_535) throw bad();
  return { host: v6 ?? (name || DEFAULT_HOST), port: number };
}

/** For log lines. */
export const shownAddress = (address: MysqlAddress): string =>
  'socketPath' in address ? address.socketPath : `${address.host}:${address.port}`;
