/** How strong new passwords must be. Spec 02 §12.3. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { passwordScore } from '../../src/auth/passwords/strength.js';
import { TaskPool } from '../../src/workers/task-pool.js';
import { accountRules, GOOD_PASSWORD, hashOf, refusals } from '../support/account-rules.js';

const hash = (text: string): Promise<string> => Promise.resolve(hashOf(text));
const real = { verify: () => Promise.resolve(false), hash, score: passwordScore };
const guessable = (score: number): string[] => [
  `400 Your password is too guessable: zxcvbn score is ${score}, must be at least 3`,
];

test('with a least score of 3, long passwords that are easy to guess are refused', async (t) => {
  const { accounts } = await accountRules(t, { api: { passwordZxcvbnMinscore: 3 }, hasher: real });
  const add = (username: string, password: string) => refusals(accounts.addUser({ username, password }));
  assert.deepEqual(await add('carla', 'aaaaaaaaaaaaaaaa'), guessable(0));
  assert.deepEqual(await add('carla', 'password1234567'), guessable(1));
  assert.deepEqual(await add('carla', 'aaaa'), [
    '400 Your password is too short: password must be at least 14 characters',
    ...guessable(0),
  ]);
  assert.deepEqual(await add('carla', 'wicker-lantern-ozone-93'), []);
});

test('the name of the user, old and new, is an easy guess', async (t) => {
  const { accounts } = await accountRules(t, { api: { passwordZxcvbnMinscore: 3 }, hasher: real });
  const name = 'zyxqwvut-plmokn';
  assert.deepEqual(await refusals(accounts.addUser({ username: name, password: name })), guessable(0));
  await accounts.addUser({ username: name, password: 'wicker-lantern-ozone-93' });
  assert.deepEqual(await refusals(accounts.changeUser(name, { password: `${name}` })), guessable(0));
  assert.deepEqual(
    await refusals(accounts.changeUser('bert', { username: `${name}2`, password: `${name}2` })),
    guessable(0),
  );
});

test('with -1, and with 0, nothing is judged', async (t) => {
  for (const passwordZxcvbnMinscore of [-1, 0]) {
    const score = () => Promise.reject(new Error('judged'));
    const { accounts } = await accountRules(t, {
      api: { passwordZxcvbnMinscore },
      hasher: { ...real, score },
    });
    await accounts.changeUser('bert', { password: 'aaaaaaaaaaaaaaaa' });
  }
});

test('a password that is too long is not even judged', async (t) => {
  const score = () => Promise.reject(new Error('judged'));
  const { accounts } = await accountRules(t, {
    api: { passwordZxcvbnMinscore: 3 },
    hasher: { ...real, score },
  });
  const [refusal] = await refusals(accounts.changeUser('bert', { password: 'x'.repeat(5000) }));
  assert.match(String(refusal), /^400 Your password is too long/);
});

test('the pool judges passwords, also hostile ones, before long', async (t) => {
  const pool = new TaskPool();
  t.after(() => pool.close());
  const run = (password: string, known: readonly string[] = []) =>
    pool.run('scorePassword', { password, known });
  assert.equal(await run(GOOD_PASSWORD), 4);
  assert.equal(await run(''), 0);
  const began = process.hrtime.bigint();
  const hostile = ['4@8({[<3€6&9#!1|/7+$5%2', 'p4$$w0rd', '🔥', '\u0000', 'abcdefgh', '|\\|', '\ud800'];
  for (const part of hostile) await run(part.repeat(500), [part, 'x'.repeat(10_000)]);
  const seconds = Number(process.hrtime.bigint() - began) / 1e9;
  assert(seconds < 20, `${seconds} s: minutes without a bound on what is looked at`);
});
