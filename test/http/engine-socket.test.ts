import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EngineSocket, type EngineWebSocket } from '../../src/http/engine-socket.js';

const SENT = 1;
const BACKPRESSURE = 0;

/** An engine whose buffer the test fills and empties. */
class FakeEngine implements EngineWebSocket {
  buffered = 0;
  outcome = SENT;
  send(): number {
    return this.outcome;
  }
  getBufferedAmount(): number {
    return this.buffered;
  }
  cork(work: () => void): void {
    work();
  }
  end(): void {
    this.buffered = 0;
  }
  close(): void {
    this.buffered = 0;
  }
}

function congested(): { engine: FakeEngine; socket: EngineSocket; drained: Promise<void> } {
  const engine = new FakeEngine();
  let drain: () => void = () => undefined;
  const drained = new Promise<void>((resolve) => {
    drain = resolve;
  });
  const socket = new EngineSocket(
    '127.0.0.1',
    () => ({ onBytes: () => undefined, onDrain: () => drain(), onClose: () => undefined }),
    (error) => {
      throw error;
    },
  );
  socket.opened(engine);
  engine.outcome = BACKPRESSURE;
  engine.buffered = 64 * 1024 * 1024;
  assert.equal(socket.send(Buffer.alloc(1)), false);
  return { engine, socket, drained };
}

test('a paused sender is told when the engine reports that its buffer has emptied', async () => {
  const { engine, socket, drained } = congested();
  engine.buffered = 0;
  socket.drained();
  await drained;
});

test('a paused sender is told too when another send finds the buffer empty, which the engine does not report', async () => {
  const { engine, socket, drained } = congested();
  engine.outcome = SENT;
  engine.buffered = 0;
  socket.send(Buffer.alloc(1));
  await drained;
});
