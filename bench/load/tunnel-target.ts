/**
 * The service behind the agent that tunnels lead to. The first line a user sends says what the connection is
 * for: `source <bytes>`, `sink <bytes>` or `echo`.
 */

import { createServer, type Socket } from 'node:net';

const BLOCK = Buffer.alloc(1 << 20, 0x5a);

export interface TunnelTarget {
  readonly port: number;
  close(): Promise<void>;
}

export function startTunnelTarget(): Promise<TunnelTarget> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true, highWaterMark: 1 << 18 }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    let head = Buffer.alloc(0);
    const onHead = (chunk: Buffer): void => {
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf(0x0a);
      if (end < 0) return;
      socket.off('data', onHead);
      const [verb, amount] = head.toString('latin1', 0, end).split(' ');
      serve(socket, verb ?? '', Number(amount), head.subarray(end + 1));
    };
    socket.on('data', onHead);
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve({
        port: typeof address === 'object' && address !== null ? address.port : 0,
        close: () =>
          new Promise((closed) => {
            for (const socket of sockets) socket.destroy();
            server.close(() => closed());
          }),
      });
    });
  });
}

function serve(socket: Socket, verb: string, amount: number, rest: Buffer): void {
  if (verb === 'echo') {
    if (rest.length > 0) socket.write(rest);
    socket.on('data', (chunk) => socket.write(chunk));
  } else if (verb === 'source') {
    let left = amount;
    const fill = (): void => {
      while (left > 0) {
        const block = left >= BLOCK.length ? BLOCK : BLOCK.subarray(0, left);
        left -= block.length;
        if (!socket.write(block)) return;
      }
    };
    socket.on('drain', fill);
    fill();
  } else {
    let received = rest.length;
    const check = (): void => {
      if (received >= amount) socket.write('ok');
    };
    socket.on('data', (chunk) => {
      received += chunk.length;
      check();
    });
    check();
  }
}
