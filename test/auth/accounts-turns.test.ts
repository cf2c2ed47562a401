/** Changes come one after the other, and none holds up the others for ever. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeTurns } from '../../src/auth/accounts/turns.js';
import { AppError } from '../../src/errors.js';
import { accountRules, refusals } from '../support/account-rules.js';
import { ManualClock } from '../support/manual-clock.js';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const never = <Result>(): Promise<Result> => new Promise(() => undefined);

test('work begins in the order it was asked for, when the work before has ended, well or not', async () => {
  const turns = makeTurns(new ManualClock());
  const seen: string[] = [];
  const work = (name: string) => async () => {
    seen.push(`${name} begins`);
    await turn();
    seen.push(`${name} ends`);
    if (name === 'b') throw new Error('b failed');
    return name;
  };
  const [a, b, c] = await Promise.allSettled([
    turns.take(work('a')),
    turns.take(work('b')),
    turns.take(work('c')),
  ]);
  assert.deepEqual(seen, ['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
  assert.deepEqual([a.status, b.status, c.status], ['fulfilled', 'rejected', 'fulfilled']);
});

test('work that hangs is given up after 20 s', async () => {
  const clock = new ManualClock();
  const turns = makeTurns(clock);
  const hanging = turns.take(() => never());
  const next = turns.take(() => Promise.resolve('done'));
  await turn();
  clock.advance(19_999);
  await turn();
  clock.advance(1);
  await assert.rejects(hanging, (error) => error instanceof AppError && error.status === 503);
  assert.equal(await next, 'done');
});

test('after closing nothing begins; what has begun is waited for', async () => {
  const turns = makeTurns(new ManualClock());
  let end: () => void = () => undefined;
  const begun = turns.take(
    () =>
      new Promise<void>((resolve) => {
        end = resolve;
      }),
  );
  await turn();
  const waiting = turns.take(() => Promise.resolve());
  const closed = turns.close();
  end();
  await begun;
  await assert.rejects(waiting, AppError);
  await closed;
  await assert.rejects(
    turns.take(() => Promise.resolve()),
    AppError,
  );
});

test('a mail server that does not answer, and a hash that takes long, hold up nobody else', async (t) => {
  const { accounts, user } = await accountRules(t, { checkReceiver: () => never() });
  accounts.changeUser('anna', { twoFaSendTo: 'a@example.org' }).catch(() => undefined);
  await accounts.changeUser('bert', { groups: ['Ops'] });
  assert.deepEqual(user('bert').groups, ['Ops']);
});

test('a user whose receiver is being checked waits for that, whatever he sends', async (t) => {
  let end: () => void = () => undefined;
  const slow = () =>
    new Promise<void>((resolve) => {
      end = resolve;
    });
  const { accounts, user } = await accountRules(t, { checkReceiver: slow });
  const first = accounts.changeUser('bert', { twoFaSendTo: 'first@example.org' });
  assert.match(String(await refusals(accounts.changeUser('bert', { twoFaSendTo: 'b@example.org' }))), /^429/);
  end();
  await first;
  assert.equal(user('bert').twoFaSendTo, 'first@example.org');
  const second = accounts.changeUser('bert', { twoFaSendTo: 'second@example.org' });
  end();
  await second;
  assert.equal(user('bert').twoFaSendTo, 'second@example.org');
});

test('two changes of one user at the same time: both count', async (t) => {
  const { accounts, user } = await accountRules(t);
  await Promise.all([
    accounts.changeUser('bert', { groups: ['Ops'] }),
    accounts.changeUser('bert', { passwordExpired: true }),
    accounts.setPasswordHash('bert', 'x'),
  ]);
  assert.deepEqual(user('bert').groups, ['Ops']);
  const added = await Promise.all([
    refusals(accounts.addUser({ username: 'carla', password: 'a password long enough' })),
    refusals(accounts.changeUser('bert', { username: 'carla' })),
  ]);
  assert.deepEqual(added.flat(), ['400 Another user with this username already exists']);
});
