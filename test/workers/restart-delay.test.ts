import assert from 'node:assert/strict';
import { test } from 'node:test';
import { restartDelay } from '../../src/workers/restart-delay.js';

test('the first restart is at once, later ones wait twice as long each, at most 30 s', () => {
  assert.deepEqual(
    [1, 2, 3, 4, 5, 6, 7, 8, 1000].map(restartDelay),
    [0, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000],
  );
});
