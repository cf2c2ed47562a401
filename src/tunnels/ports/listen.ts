/** Binding the local end of a tunnel. Spec 05 §7.3. */

import { createServer, type Server, type Socket } from 'node:net';
import type { Milliseconds } from '../../time.js';
import { ANY_HOST } from '../parse-remote.js';

/** First probe after this much silence, as Go does on accepted sockets; finds peers that vanished. */
const KEEP_ALIVE_DELAY: Milliseconds = 15_000;

/**
 * Bytes a socket reads ahead while paused, and queues before `write` returns false. One read of the system
 * delivers up to 64 KiB, so smaller values would pause after every read.
 */
const HIGH_WATER_MARK = 64 * 1024;

/** Errors that mean this machine has no IPv6. */
const NO_IPV6 = new Set(['EAFNOSUPPORT', 'EADDRNOTAVAIL', 'EINVAL']);

/**
 * Listens on `host:port`; `0.0.0.0` covers IPv6 too where the machine has it. The bind is exclusive: a port that
 * anybody else listens on, another thread included, is refused with `EADDRINUSE`. Rejects with the system's error.
 */
export async function listen(
  host: string,
  port: number,
  onSocket: (socket: Socket) => void,
): Promise<Server> {
  if (host !== ANY_HOST) return listenOn({ host, port }, onSocket);
  try {
    return await listenOn({ host: '::', port, ipv6Only: false }, onSocket);
  } catch (error) {
    if (!NO_IPV6.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
    return listenOn({ host, port }, onSocket);
  }
}

function listenOn(
  address: { host: string; port: number; ipv6Only?: boolean },
  onSocket: (socket: Socket) => void,
): Promise<Server> {
  const server = createServer({
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_DELAY,
    highWaterMark: HIGH_WATER_MARK,
  });
  server.on('connection', onSocket);
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ ...address, exclusive: true }, () => {
      server.off('error', reject);
      resolve(server);
    });
  });
}
