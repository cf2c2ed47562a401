import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TaskPool } from '../../src/workers/task-pool.js';

const slow = new URL('../support/slow-tasks.js', import.meta.url);

test('a task runs in another thread and its result and error come back', async (t) => {
  const pool = new TaskPool({ maxThreads: 1, module: slow });
  t.after(() => pool.close());
  assert.equal(await pool.run('verifyPassword', { password: '', stored: '' }), true);
  await assert.rejects(pool.run('verifyPassword', { password: '', stored: 'throw' }), /task failed/);
  assert.equal(pool.open, 0);
});

test('a full queue refuses at once with `overloaded`, and is free again later', async (t) => {
  const pool = new TaskPool({ maxThreads: 1, queueLimit: 1, module: slow });
  t.after(() => pool.close());
  const accepted = [1, 2].map(() => pool.run('verifyPassword', { password: '', stored: 'wait' }));
  await assert.rejects(pool.run('verifyPassword', { password: '', stored: '' }), {
    code: 'overloaded',
    status: 503,
  });
  assert.deepEqual(await Promise.all(accepted), [true, true]);
  assert.equal(await pool.run('verifyPassword', { password: '', stored: '' }), true);
});

test('the password tasks', async (t) => {
  const pool = new TaskPool({ maxThreads: 1 });
  t.after(() => pool.close());
  const stored = await pool.run('hashPassword', { password: 'secret' });
  assert.match(stored, /^\$argon2id\$/);
  assert.equal(await pool.run('verifyPassword', { password: 'secret', stored }), true);
  assert.equal(await pool.run('verifyPassword', { password: 'Secret', stored }), false);
});
