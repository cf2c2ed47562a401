import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sendToAgent } from '../../src/protocol/agent-messages.js';
import type { ByteSocket } from '../../src/protocol/byte-socket.js';

/** Records messages and the number of corks; full once it holds `capacity` bytes. */
function recorder(capacity = Number.POSITIVE_INFINITY) {
  const messages: Buffer[] = [];
  let corks = 0;
  const held = (): number => messages.reduce((sum, message) => sum + message.length, 0);
  const socket: ByteSocket = {
    remoteAddress: '127.0.0.1',
    send(bytes) {
      messages.push(Buffer.from(bytes));
      return held() <= capacity;
    },
    bufferedBytes: held,
    cork(work) {
      corks += 1;
      work();
    },
    close: () => undefined,
  };
  return { socket, messages, corks: () => corks };
}

test('what fits into one read of an agent is one message, however many packets it holds', () => {
  const { socket, messages } = recorder();
  assert.equal(sendToAgent(socket, Buffer.alloc(4096), [96, 4000]), true);
  assert.deepEqual(
    messages.map((message) => message.length),
    [4096],
  );
});

test('each packet begins with a message of its own, and no byte is lost or moved', () => {
  const { socket, messages, corks } = recorder();
  const bytes = Buffer.from(Array.from({ length: 32_804 * 2 + 52 }, (_, index) => index % 251));
  assert.equal(sendToAgent(socket, bytes, [32_804, 52, 32_804]), true);
  assert.deepEqual(
    messages.map((message) => message.length),
    [4096, 28_708, 52, 4096, 28_708],
  );
  assert.ok(Buffer.concat(messages).equals(bytes));
  assert.equal(corks(), 1);
});

test('the sender learns that the socket is full', () => {
  const { socket, messages } = recorder(10_000);
  assert.equal(sendToAgent(socket, Buffer.alloc(32_804), [32_804]), false);
  assert.equal(Buffer.concat(messages).length, 32_804);
});
