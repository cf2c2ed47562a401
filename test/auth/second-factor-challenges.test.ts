/** Who waits for a second step, how often it may fail, and what strangers can do about it. Spec 02 §8, §9.3. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ChallengeAnswer, NewChallenge, Proof } from '../../src/auth/second-factor/challenges.js';
import { codeDigest, newCode } from '../../src/auth/second-factor/code.js';
import { PendingChallenges } from '../../src/auth/second-factor/pending-challenges.js';
import { AppError } from '../../src/errors.js';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const TTL = 10 * MINUTE;
const HOME = '192.0.2.1';
const CODE = 'abcDE1';
const TOTP = 'totp_authenticator_app';

const make = (): PendingChallenges => new PendingChallenges({ lastStep: () => undefined });

const challenge = (sessionId: number, more: Partial<NewChallenge> = {}): NewChallenge => ({
  username: 'anna',
  sessionId,
  method: 'email',
  codeDigest: codeDigest(sessionId, CODE),
  newPasswordHash: null,
  ip: HOME,
  ttl: TTL,
  ...more,
});

const answer = (sessionId: number, code = CODE, more: Partial<ChallengeAnswer> = {}): ChallengeAnswer => ({
  username: 'anna',
  sessionId,
  method: 'email',
  ip: HOME,
  proof: { kind: 'code', digest: codeDigest(sessionId, code) },
  ...more,
});

const app = (sessionId: number, more: Partial<NewChallenge> = {}): NewChallenge =>
  challenge(sessionId, { method: TOTP, codeDigest: '', ...more });
const shown = (sessionId: number, step: number | null, key = 'key'): ChallengeAnswer => {
  const proof: Proof = { kind: 'totp', use: step === null ? null : { key, step, until: DAY } };
  return answer(sessionId, '', { method: TOTP, proof });
};

/** Status and title of the refusal; `ok` when there was none. */
function outcome(run: () => unknown): string {
  try {
    run();
    return 'ok';
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const { status, title, retryAfterSeconds } = error;
    return status === 429 ? `429 after ${retryAfterSeconds} s` : `${status} ${title}`;
  }
}

test('codes are six letters and digits, and never the same', () => {
  const codes = Array.from({ length: 500 }, newCode);
  assert.ok(codes.every((code) => /^[0-9a-zA-Z]{6}$/.test(code)));
  assert.equal(new Set(codes).size, codes.length);
  assert.equal(new Set(codes.join('')).size, 62);
});

test('a right code completes its login once', () => {
  const book = make();
  book.open(challenge(1, { newPasswordHash: 'hash' }), 0);
  assert.deepEqual(book.complete(answer(1), 1), { newPasswordHash: 'hash' });
  assert.equal(
    outcome(() => book.complete(answer(1), 2)),
    '401 2fa token not found for provided username',
  );
  assert.equal(book.size, 0);
});

test('a code is good for its own login, user and method only', () => {
  const book = make();
  book.open(challenge(1), 0);
  book.open(challenge(2, { username: 'bert', codeDigest: codeDigest(2, 'other1') }), 0);
  const unknown = '401 2fa token not found for provided username';
  assert.equal(
    outcome(() => book.complete(answer(2), 0)),
    unknown,
  );
  assert.equal(
    outcome(() => book.complete(answer(2, CODE, { username: 'bert' }), 0)),
    '401 invalid token',
  );
  assert.equal(
    outcome(() => book.complete(answer(3), 0)),
    unknown,
  );
  assert.equal(
    outcome(() => book.complete(answer(1, CODE, { method: 'url' }), 0)),
    unknown,
  );
  assert.equal(
    outcome(() => book.complete(answer(1, CODE.toLowerCase()), 0)),
    '401 invalid token',
  );
  assert.equal(
    outcome(() => book.complete(answer(1), 0)),
    'ok',
  );
});

test('a code ends at its time, is still known as expired for a while, and then forgotten', () => {
  const book = make();
  book.open(challenge(1), 0);
  book.open(challenge(2), 0);
  assert.equal(
    outcome(() => book.complete(answer(1), TTL - 1)),
    'ok',
  );
  assert.equal(
    outcome(() => book.complete(answer(2), TTL)),
    '401 2fa token expired',
  );
  book.open(challenge(3), TTL + 10 * MINUTE);
  assert.equal(book.size, 1);
});

test('five wrong codes end the login, the right one comes too late', () => {
  const book = make();
  book.open(challenge(1), 0);
  for (let tries = 0; tries < 5; tries++) {
    assert.equal(
      outcome(() => book.complete(answer(1, 'wrong1'), 0)),
      '401 invalid token',
    );
  }
  assert.equal(
    outcome(() => book.complete(answer(1), 0)),
    '401 2fa token not found for provided username',
  );
});

test('new logins do not buy more guesses: at one address, at many, and in a day', () => {
  const book = make();
  let session = 0;
  const guess = (ip: string, now: number): string => {
    session += 1;
    const opened = outcome(() => book.open(challenge(session, { ip }), now));
    return opened === 'ok' ? outcome(() => book.complete(answer(session, 'wrong1', { ip }), now)) : opened;
  };
  const guesses = (ip: string, now: number): number => {
    let count = 0;
    while (guess(ip, now) === '401 invalid token') count += 1;
    return count;
  };
  assert.equal(guesses(HOME, 0), 10);
  assert.equal(guess(HOME, 4 * MINUTE), '429 after 360 s');
  assert.equal(guesses('198.51.100.1', 0), 10, 'a second address has its own');
  assert.equal(guesses('198.51.100.2', 0), 0, 'together they have no more than twenty');
  let inOneDay = 20;
  for (let round = 1; round < 140; round++) {
    for (const last of [1, 2, 3, 4]) inOneDay += guesses(`203.0.113.${last}`, round * 10 * MINUTE);
  }
  assert.equal(inOneDay, 100);
  assert.ok(guesses(HOME, DAY) > 0);
});

test('an address of IPv6 counts with its neighbours', () => {
  const book = make();
  let wrong = 0;
  for (let at = 1; at <= 20; at++) {
    const ip = `2001:db8:1:2::${at}`;
    if (outcome(() => book.open(challenge(at, { ip }), 0)) !== 'ok') break;
    if (outcome(() => book.complete(answer(at, 'wrong1', { ip }), 0)).startsWith('401')) wrong += 1;
  }
  assert.equal(wrong, 10);
});

test('when nothing is left, the right code is refused like a wrong one', () => {
  const book = make();
  book.open(challenge(1), 0);
  for (let session = 2; session < 4; session++) {
    book.open(challenge(session), 0);
    for (let tries = 0; tries < 5; tries++) outcome(() => book.complete(answer(session, 'wrong1'), 0));
  }
  assert.equal(
    outcome(() => book.complete(answer(1), 0)),
    '429 after 600 s',
  );
  assert.equal(
    outcome(() => book.complete(answer(1), 10 * MINUTE - 1)),
    '429 after 1 s',
  );
});

test('strangers with the password keep the owner out neither here nor where he is known', () => {
  const book = make();
  book.open(challenge(1), 0);
  book.complete(answer(1), 0);
  book.open(challenge(2), 1);
  // From many addresses: all places, all failures, all codes.
  let session = 10;
  for (let last = 1; last <= 60; last++) {
    const ip = `198.51.100.${last}`;
    for (let count = 0; count < 6; count++) {
      session += 1;
      outcome(() => book.admit({ username: 'anna', ip }, 1));
      outcome(() => book.open(challenge(session, { ip }), 1));
      outcome(() => book.complete(answer(session, 'wrong1', { ip }), 1));
    }
  }
  assert.ok(outcome(() => book.admit({ username: 'anna', ip: '203.0.113.9' }, 2)).startsWith('429'));
  assert.equal(
    outcome(() => book.admit({ username: 'anna', ip: HOME }, 2)),
    'ok',
  );
  assert.equal(
    outcome(() => book.complete(answer(2), 2)),
    'ok',
    'his open login is still there',
  );
});

test('one stranger at one address does not end the login of an owner who is nowhere known', () => {
  const book = make();
  book.open(challenge(1), 0);
  for (let session = 2; session < 40; session++) {
    outcome(() => book.open(challenge(session, { ip: '198.51.100.1' }), 0));
    outcome(() => book.complete(answer(session, 'wrong1', { ip: '198.51.100.1' }), 0));
  }
  assert.equal(
    outcome(() => book.complete(answer(1), 0)),
    'ok',
  );
});

test('a user has few open logins at one address; the oldest gives way', () => {
  const book = make();
  for (let session = 1; session <= 7; session++) book.open(challenge(session), 0);
  assert.equal(book.size, 5);
  assert.equal(
    outcome(() => book.complete(answer(2), 0)),
    '401 2fa token not found for provided username',
  );
  assert.equal(
    outcome(() => book.complete(answer(3), 0)),
    'ok',
  );
});

test('memory has a bound', () => {
  const book = make();
  for (let session = 1; session <= 10_100; session++) {
    book.open(challenge(session, { username: `user-${session}` }), 0);
  }
  assert.equal(book.size, 10_000);
});

test('codes that are asked for and not used are limited, used ones are not', () => {
  const book = make();
  for (let session = 1; session <= 30; session++) {
    assert.equal(
      outcome(() => book.admit({ username: 'anna', ip: HOME }, session)),
      'ok',
    );
    book.open(challenge(session), session);
    book.complete(answer(session), session);
  }
  for (let count = 0; count < 10; count++) book.admit({ username: 'anna', ip: HOME }, 100);
  assert.equal(outcome(() => book.admit({ username: 'anna', ip: HOME }, 100)).slice(0, 3), '429');
  assert.equal(
    outcome(() => book.admit({ username: 'bert', ip: HOME }, 100)),
    'ok',
  );
});

test('a code of an authenticator app is good once, and so is every older one', () => {
  const book = make();
  for (let session = 1; session <= 5; session++) book.open(app(session), 0);
  assert.equal(
    outcome(() => book.complete(shown(1, 100), 0)),
    'ok',
  );
  assert.equal(
    outcome(() => book.complete(shown(2, 100), 0)),
    '401 invalid code',
  );
  assert.equal(
    outcome(() => book.complete(shown(2, 99), 0)),
    '401 invalid code',
  );
  assert.equal(
    outcome(() => book.complete(shown(2, 100, 'another secret'), 0)),
    'ok',
  );
  assert.equal(
    outcome(() => book.complete(shown(3, 101), 0)),
    'ok',
  );
  assert.equal(
    outcome(() => book.complete(shown(4, null), 0)),
    '401 invalid code',
  );
});

test('uses before this start count', () => {
  const book = new PendingChallenges({ lastStep: (key) => (key === 'key' ? 100 : undefined) });
  book.open(app(1), 0);
  assert.equal(
    outcome(() => book.complete(shown(1, 100), 0)),
    '401 invalid code',
  );
  assert.equal(
    outcome(() => book.complete(shown(1, 101), 0)),
    'ok',
  );
});

test('refusals of authenticator apps in the order of spec 02 §9.3', () => {
  const book = make();
  const noSecret = (session: number): ChallengeAnswer => ({
    ...shown(session, null),
    proof: { kind: 'no_secret' },
  });
  const missing = '409 time based one time secret key should be generated for this user';
  assert.equal(
    outcome(() => book.complete(noSecret(1), 0)),
    '401 login request not found for provided username',
  );
  book.open(app(1), 0);
  assert.equal(
    outcome(() => book.complete(noSecret(1), TTL)),
    '401 login request expired',
  );
  for (let count = 0; count < 20; count++) {
    assert.equal(
      outcome(() => book.complete(noSecret(1), 0)),
      missing,
      'this is no guess',
    );
  }
  assert.equal(
    outcome(() => book.complete(shown(1, 5), 0)),
    'ok',
  );
});
