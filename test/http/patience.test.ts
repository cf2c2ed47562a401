/** How long a WebSocket waits for its reader. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Patience } from '../../src/http/ws/patience.js';
import type { ApiSocket } from '../../src/http/ws/websocket-route.js';
import { administrator } from '../support/api-context.js';
import { ManualClock } from '../support/manual-clock.js';

function world() {
  const clock = new ManualClock();
  const seen = { buffered: 1000, code: 0 };
  const socket: ApiSocket = {
    principal: administrator,
    send: () => false,
    bufferedBytes: () => seen.buffered,
    close(code) {
      seen.code = code;
    },
  };
  return { clock, seen, patience: new Patience(socket, clock) };
}

test('a reader that reads on is waited for, however long it takes', async () => {
  const { clock, seen, patience } = world();
  const taken = patience.untilTaken();
  for (let count = 0; count < 20; count++) {
    seen.buffered -= 10;
    clock.advance(30_000);
  }
  patience.drained();
  assert.equal(await taken, true);
  assert.equal(seen.code, 0);
  assert.equal(clock.waiting, 0);
});

test('one that takes nothing in half a minute is given up', async () => {
  const { clock, seen, patience } = world();
  const taken = patience.untilTaken();
  clock.advance(29_999);
  assert.equal(seen.code, 0);
  clock.advance(1);
  assert.equal(await taken, false);
  assert.equal(seen.code, 1013);
  assert.equal(clock.waiting, 0);
});

test('the end of the socket ends the waiting', async () => {
  const { clock, seen, patience } = world();
  const taken = patience.untilTaken();
  patience.closed();
  assert.equal(await taken, false);
  assert.deepEqual([seen.code, clock.waiting], [0, 0]);
});
