import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPasswordCheck } from '../../src/auth/passwords/password-check.js';
import type { UserProvider } from '../../src/auth/users/provider.js';
import { bcryptHash, PASSWORD } from '../support/auth-world.js';
import { ManualClock } from '../support/manual-clock.js';

test('whoever comes while a right password is being found right does not have it hashed again', async () => {
  let verified = 0;
  const hasher = {
    verify: async () => {
      verified += 1;
      return true;
    },
    hash: () => assert.fail(),
    score: () => assert.fail(),
  };
  const users = { decoy: () => undefined } as Partial<UserProvider> as UserProvider;
  const check = createPasswordCheck(users, hasher, new ManualClock());
  const user = {
    username: 'anna',
    password: bcryptHash(PASSWORD),
    groups: [],
    twoFaSendTo: '',
    totpSecret: '',
    passwordExpired: false,
  };
  const answers = [];
  // One in each step of the way from the hash to the answer.
  for (let step = 0; step < 20; step++) {
    answers.push(check('anna', user, PASSWORD, '192.0.2.1'));
    await null;
  }
  assert.ok((await Promise.all(answers)).every(Boolean));
  assert.equal(verified, 1);
});
