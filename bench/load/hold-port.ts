/** Keeps a port of loopback for the one that listened on it and will again. */

import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** Whoever has the port is somebody's connection to somewhere else, and soon gone; or a server, which stays. */
const ATTEMPTS = 20;
const PAUSE_MS = 100;

/**
 * To be called as soon as the port is free. Leaves a connection behind whose nearer end was closed first: the
 * system remembers its port for a minute (TIME-WAIT), and neither listeners that ask for any port nor outgoing
 * connections are given it meanwhile. A listener that asks for this one gets it.
 * Returns false when somebody else has the port.
 */
export async function holdPort(port: number): Promise<boolean> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.resume().end();
      server.close();
    });
    try {
      const listening = once(server, 'listening');
      server.listen(port, '127.0.0.1');
      await listening;
    } catch {
      await delay(PAUSE_MS);
      continue;
    }
    const closed = once(server, 'close');
    connect(port, '127.0.0.1')
      .on('error', () => server.close())
      .resume();
    await closed;
    return true;
  }
  return false;
}
