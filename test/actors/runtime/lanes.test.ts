import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ActorError } from '../../../src/actors/runtime/types.js';
import { behaviorOf, loneSystem, turn } from '../../support/actor-system.js';

test('stop goes before system, system before user, whatever came first', async () => {
  const { system } = loneSystem();
  const seen: string[] = [];
  const ref = system.spawn(
    behaviorOf<string>((_, message) => void seen.push(message)),
    'a',
    undefined,
  );
  system.tell(ref, 'user 1');
  system.tell(ref, 'system 1', 'system');
  system.tell(ref, 'user 2');
  system.tell(ref, 'system 2', 'system');
  await turn();
  assert.deepEqual(seen, ['system 1', 'system 2', 'user 1', 'user 2']);
});

test('a message on the stop lane is the last one, and what waited behind it is told so', async () => {
  const { system } = loneSystem();
  const seen: string[] = [];
  const ref = system.spawn(
    behaviorOf<string>((_, message) => void seen.push(message)),
    'a',
    undefined,
  );
  const ask = system.ask(ref, 'user', { timeoutMs: 1000 });
  system.tell(ref, 'system', 'system');
  system.tell(ref, 'last', 'stop');
  await assert.rejects(ask, (error) => error instanceof ActorError && error.code === 'stopped');
  assert.deepEqual(seen, ['last']);
  assert.equal(system.locate(ref), undefined);
});
