/**
 * A cork for upgrades that wait for something first. Outside of the engine's callbacks it wants writes inside the cork of
 * some response, and warns on stderr otherwise; but in its own cork a response must not become a WebSocket: when that
 * cork ends, the engine takes the memory for the response's still. So each listener keeps a request of its own that is
 * never answered, and upgrades inside the cork of that one, which holds nothing.
 */

import type { HttpResponse, us_listen_socket } from 'uWebSockets.js';
import { App, us_listen_socket_close, us_socket_local_port } from 'uWebSockets.js';
import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import type { Milliseconds } from '../time.js';

export interface EngineCork {
  /** Calls `work` before it returns. */
  run(work: () => void): void;
  close(): void;
}

const LOOPBACK = '127.0.0.1';
/** A start does not hang where the loopback is shut. */
const CONNECT_WITHIN: Milliseconds = 2_000;

/** Two sockets. Never rejects: a machine without a loopback gets the warnings, and everything works. */
export function openEngineCork(): Promise<EngineCork> {
  return new Promise((resolve) => {
    const app = App();
    // Whoever else connects in the moment in which it listens does not know it.
    const path = `/${randomUUID()}`;
    let listening: us_listen_socket | false = false;
    let held: HttpResponse | null = null;
    let open = true;
    const cork: EngineCork = {
      run(work) {
        if (held === null) work();
        else held.cork(work);
      },
      close() {
        if (open) app.close();
        open = false;
      },
    };
    const ready = (): void => {
      if (listening !== false) us_listen_socket_close(listening);
      listening = false;
      resolve(cork);
    };
    app.any('/*', (response, request) => {
      response.onAborted(() => {
        if (held === response) held = null;
      });
      if (request.getUrl() !== path || held !== null) {
        response.close();
        return;
      }
      held = response;
      ready();
    });
    app.listen(LOOPBACK, 0, (socket) => {
      listening = socket;
    });
    if (listening === false) {
      ready();
      return;
    }
    const own = connect(us_socket_local_port(listening), LOOPBACK);
    // It must not keep the thread alive.
    own.unref();
    own.on('error', ready);
    own.setTimeout(CONNECT_WITHIN, ready);
    own.write(`GET ${path} HTTP/1.1\r\nHost: ${LOOPBACK}\r\n\r\n`);
  });
}
