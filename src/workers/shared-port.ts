/** Listening on a port that the other shards will listen on as well, and nobody else. */

import { createServer } from 'node:net';

export interface Listening {
  readonly port: number;
  close(): void;
}

/** Somebody else may take the number between letting go and binding again; five times in a row nobody does. */
const ATTEMPTS = 5;

/**
 * Listens through `listen`. With port 0 uWebSockets.js binds without SO_REUSEPORT, so that no other shard could
 * join; hence it binds once to learn a free number, lets go and binds that number. Rejects with what `listen`
 * rejected with.
 */
export async function listenShared<Listener extends Listening>(
  port: number,
  listen: (port: number) => Promise<Listener>,
): Promise<Listener> {
  if (port !== 0) return listen(port);
  for (let attempt = 1; ; attempt++) {
    const probe = await listen(0);
    probe.close();
    try {
      return await listen(probe.port);
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
    }
  }
}

/**
 * For main, before the first shard: rejects with the system's error (`EADDRINUSE`, `EACCES` …) when `port` cannot
 * be had. Shards share their port by SO_REUSEPORT, which a second server of the same user would share as well,
 * and each would get half of the agents. Port 0 is always free. `host` empty: all addresses.
 */
export function assertPortFree(host: string, port: number): Promise<void> {
  if (port === 0) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(host === '' ? { port } : { host, port }, () => server.close(() => resolve()));
  });
}
