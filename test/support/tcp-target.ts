/** Servers behind an agent, and connections through its tunnels. */

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { after } from 'node:test';

export interface TcpTarget {
  readonly port: number;
  /** Connections open at the moment. */
  readonly open: () => number;
  close(): Promise<void>;
}

/** Targets not closed yet: a test that fails half-way must not keep the process alive. */
const left = new Set<TcpTarget>();
after(async () => {
  await Promise.all([...left].map((target) => target.close()));
});

/** A server on loopback that gives each connection to `serve`. */
export async function tcpTarget(serve: (socket: Socket) => void): Promise<TcpTarget> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    serve(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const target: TcpTarget = {
    port: (server.address() as AddressInfo).port,
    open: () => sockets.size,
    async close() {
      if (!left.delete(target)) return;
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
  left.add(target);
  return target;
}

export const echoTarget = (): Promise<TcpTarget> => tcpTarget((socket) => socket.pipe(socket));

/** An open connection to a loopback port. */
export async function connectTo(port: number, host = '127.0.0.1'): Promise<Socket> {
  const socket = connect(port, host);
  await once(socket, 'connect');
  return socket;
}

/** Sends `bytes` and resolves with as many bytes of answer. */
export async function roundTrip(port: number, bytes: Uint8Array): Promise<Buffer> {
  const socket = await connectTo(port);
  try {
    socket.write(bytes);
    return await readExactly(socket, bytes.length);
  } finally {
    socket.destroy();
  }
}

export function readExactly(socket: Socket, count: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const onData = (chunk: Buffer): void => {
      chunks.push(chunk);
      length += chunk.length;
      if (length < count) return;
      socket.off('data', onData);
      resolve(Buffer.concat(chunks));
    };
    socket.on('data', onData);
    socket.once('error', reject);
    socket.once('close', () => reject(new Error(`closed after ${length} of ${count} bytes`)));
  });
}

/** All that comes until the other side ends the connection. */
export async function readToEnd(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  socket.on('error', () => undefined);
  if (!socket.closed) await once(socket, 'close');
  return Buffer.concat(chunks);
}
