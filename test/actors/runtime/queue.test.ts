import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Queue } from '../../../src/actors/runtime/queue.js';
import { seeded } from '../../support/random.js';

test('a queue gives back what it was given, in order, however pushes and shifts alternate', () => {
  const random = seeded(3);
  const queue = new Queue<{ readonly number: number }>();
  const model: number[] = [];
  for (let number = 0; number < 20_000; number++) {
    // Fills and empties in turn, with long times around empty.
    if (random.below(100) < (Math.floor(number / 500) % 2 === 0 ? 55 : 45)) {
      queue.push({ number });
      model.push(number);
    } else {
      assert.equal(queue.shift()?.number, model.shift());
    }
    assert.equal(queue.size, model.length);
  }
  for (const number of model) assert.equal(queue.shift()?.number, number);
  assert.equal(queue.shift(), undefined);
});
