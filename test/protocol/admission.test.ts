import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Admission, type Ticket } from '../../src/protocol/admission.js';
import { ManualClock } from '../support/manual-clock.js';

const setUp = (max: number, maxWaiting = 100) => {
  const clock = new ManualClock();
  const load = { busy: 0 };
  const admission = new Admission({ max, maxWaiting, clock, utilization: () => load.busy });
  const inside: { number: number; ticket: Ticket }[] = [];
  const request = (number: number): Ticket | null =>
    admission.request((ticket) => inside.push({ number, ticket }));
  return { clock, load, admission, inside, request };
};

test('slots are given in order, and a returned one goes to the first who waits', () => {
  const { admission, inside, request } = setUp(2);
  for (let number = 0; number < 5; number += 1) request(number);
  assert.deepEqual(
    inside.map(({ number }) => number),
    [0, 1],
  );
  inside[1]?.ticket.release();
  inside[1]?.ticket.release();
  assert.deepEqual(
    inside.map(({ number }) => number),
    [0, 1, 2],
  );
  assert.deepEqual([admission.taken, admission.waiting], [2, 2]);
});

test('who leaves the queue is skipped', () => {
  const { inside, request } = setUp(1);
  request(0);
  const second = request(1);
  request(2);
  second?.release();
  inside[0]?.ticket.release();
  assert.deepEqual(
    inside.map(({ number }) => number),
    [0, 2],
  );
});

test('the queue is bounded', () => {
  const { request } = setUp(1, 3);
  const tickets = [0, 1, 2, 3, 4].map(request);
  assert.deepEqual(
    tickets.map((ticket) => ticket !== null),
    [true, true, true, true, false],
  );
});

test('the limit grows while agents wait and the CPU is calm, up to the bound', () => {
  const { clock, admission, request } = setUp(40);
  for (let number = 0; number < 100; number += 1) request(number);
  assert.equal(admission.taken, 16);
  clock.advance(200);
  assert.equal(admission.taken, 24);
  clock.advance(10_000);
  assert.equal(admission.taken, 40);
});

test('the limit shrinks under load, never to nothing', () => {
  const { clock, load, admission, request } = setUp(64);
  for (let number = 0; number < 100; number += 1) request(number);
  load.busy = 1;
  clock.advance(60_000);
  assert.equal(admission.limit, 4);
  load.busy = 0.9;
  clock.advance(1_000);
  assert.equal(admission.limit, 4);
});

test('no timer runs while nobody waits', () => {
  const { clock, inside, request } = setUp(1);
  request(0);
  assert.equal(clock.waiting, 0);
  request(1);
  assert.equal(clock.waiting, 1);
  inside[0]?.ticket.release();
  clock.advance(1_000);
  assert.equal(clock.waiting, 0);
});

test('addresses take turns: one that asks a thousand times does not keep another out', () => {
  const clock = new ManualClock();
  const admission = new Admission({ max: 1, clock, utilization: () => 1 });
  const inside: { from: string; ticket: Ticket }[] = [];
  const request = (from: string) => admission.request((ticket) => inside.push({ from, ticket }), from);
  for (let round = 0; round < 1000; round += 1) request('greedy');
  const left = request('gone');
  request('honest');
  request('honest');
  left?.release();
  for (let round = 0; round < 4; round += 1) inside.at(-1)?.ticket.release();
  assert.deepEqual(
    inside.map(({ from }) => from),
    ['greedy', 'greedy', 'honest', 'greedy', 'honest'],
  );
  assert.equal(admission.waiting, 997);
});
