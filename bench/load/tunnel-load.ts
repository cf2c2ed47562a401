/** Users of a tunnel: bulk transfers and round trips through a tunnel port to a `tunnel-target`. */

import { connect, type Socket } from 'node:net';
import { quantile } from '../report/statistics.js';

const BLOCK = Buffer.alloc(1 << 20, 0xa5);
const READ_BUFFER_BYTES = 1 << 18;

export type Direction = 'user to agent' | 'agent to user';

/** Moves `bytes` per connection; rejects when a connection ends early. Resolves with the seconds it took. */
export async function transfer(
  port: number,
  direction: Direction,
  connections: number,
  bytes: number,
): Promise<number> {
  const started = process.hrtime.bigint();
  const one = direction === 'user to agent' ? push : pull;
  await Promise.all(Array.from({ length: connections }, () => one(port, bytes)));
  return Number(process.hrtime.bigint() - started) / 1e9;
}

function push(port: number, bytes: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let left = bytes;
    let confirmed = false;
    const fill = (): void => {
      while (left > 0) {
        const block = left >= BLOCK.length ? BLOCK : BLOCK.subarray(0, left);
        left -= block.length;
        if (!socket.write(block)) return;
      }
    };
    socket.on('connect', () => {
      socket.write(`sink ${bytes}\n`);
      fill();
    });
    socket.on('drain', fill);
    socket.on('data', () => {
      confirmed = true;
      socket.destroy();
    });
    socket.on('error', reject);
    socket.on('close', () => (confirmed ? resolve() : reject(new Error('connection ended early'))));
  });
}

function pull(port: number, bytes: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let received = 0;
    const socket: Socket = connect({
      port,
      host: '127.0.0.1',
      onread: {
        buffer: Buffer.allocUnsafe(READ_BUFFER_BYTES),
        callback(count) {
          received += count;
          if (received >= bytes) socket.destroy();
          return true;
        },
      },
    });
    socket.on('connect', () => socket.write(`source ${bytes}\n`));
    socket.on('error', reject);
    socket.on('close', () =>
      received === bytes ? resolve() : reject(new Error(`got ${received} of ${bytes} bytes`)),
    );
  });
}

export interface RoundTrips {
  readonly p50Us: number;
  readonly p99Us: number;
}

/** Sends 64 bytes and waits for them to come back, `rounds` times on each connection. */
export async function roundTrips(port: number, connections: number, rounds: number): Promise<RoundTrips> {
  const latencies: number[] = [];
  const message = Buffer.alloc(64, 0x33);
  const one = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true });
      let left = rounds;
      let pending = 0;
      let sentAt = 0n;
      const next = (): void => {
        if (left === 0) {
          socket.destroy();
          return;
        }
        left -= 1;
        pending = message.length;
        sentAt = process.hrtime.bigint();
        socket.write(message);
      };
      socket.on('connect', () => {
        socket.write('echo\n');
        next();
      });
      socket.on('data', (chunk) => {
        pending -= chunk.length;
        if (pending > 0) return;
        latencies.push(Number(process.hrtime.bigint() - sentAt) / 1e3);
        next();
      });
      socket.on('error', reject);
      socket.on('close', () => (left === 0 ? resolve() : reject(new Error('connection ended early'))));
    });
  await Promise.all(Array.from({ length: connections }, one));
  return { p50Us: quantile(latencies, 0.5), p99Us: quantile(latencies, 0.99) };
}
