/** What users may be made of, and what their changes entail. Spec 02 §12. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { UserInput } from '../../src/auth/accounts/accounts.js';
import { staticUserWrites } from '../../src/auth/users/static-user-writes.js';
import { staticUsers } from '../../src/auth/users/static-users.js';
import { AppError } from '../../src/errors.js';
import { accountRules, GOOD_PASSWORD, hashOf, refusals } from '../support/account-rules.js';

const carla = { username: 'carla', password: GOOD_PASSWORD };
const TOTP = 'otpauth://totp/x:y?algorithm=SHA1&digits=6&issuer=x&period=30&secret=GEZDGNBVGY3TQOJQ';
const tooShort = '400 Your password is too short: password must be at least 14 characters';
const control = '400 username must not have control characters';
const blanks = '400 username must not start or end with whitespace';

test('a new user: every broken rule is named, in the order of the spec', async (t) => {
  const { accounts, names } = await accountRules(t);
  const table: readonly (readonly [UserInput, readonly string[]])[] = [
    [{}, ['400 username is required', '400 password is required']],
    [{ username: 'carla' }, ['400 password is required']],
    [{ password: GOOD_PASSWORD }, ['400 username is required']],
    [{ ...carla, username: ' carla' }, [blanks]],
    [{ ...carla, username: 'carla\t' }, [blanks, control]],
    [{ username: 'carla ', password: 'short' }, [blanks, tooShort]],
    [{ ...carla, username: 'ca\u0000rla' }, [control]],
    [{ ...carla, username: 'ca\ud800rla' }, [control]],
    [{ ...carla, username: 'c'.repeat(151) }, ['400 username must not be longer than 150 characters']],
    [{ ...carla, password: 'ää' }, [tooShort]],
    [
      { ...carla, password: 'x'.repeat(4097) },
      ['400 Your password is too long: password must not be longer than 4096 bytes'],
    ],
    [{ ...carla, groups: ['g'.repeat(151)] }, ['400 group names must not be longer than 150 characters']],
    [{ ...carla, groups: [''] }, ['400 group names must not be empty or have control characters']],
    [
      { ...carla, groups: Array.from({ length: 1001 }, (_, at) => `g${at}`) },
      ['400 a user must not be in more than 1000 groups'],
    ],
    [
      { ...carla, totpSecret: 'otpauth://hotp/x?secret=GEZD' },
      ['400 invalid totp_secret: invalid totp key type hotp, totp type is expected'],
    ],
    [
      { ...carla, totpSecret: `${TOTP}${'A'.repeat(2048)}` },
      ['400 totp_secret must not be longer than 2048 characters'],
    ],
    [{ ...carla, username: 'anna' }, ['400 Another user with this username already exists']],
  ];
  for (const [input, expected] of table) {
    assert.deepEqual(await refusals(accounts.addUser(input)), expected, JSON.stringify(input).slice(0, 80));
  }
  assert.deepEqual(names(), ['anna', 'bert']);
});

test('a new user has what was given, groups once each, and a hash instead of the password', async (t) => {
  const { accounts, user } = await accountRules(t);
  await accounts.addUser({
    ...carla,
    groups: ['Ops', 'Dev', 'Ops'],
    passwordExpired: true,
    twoFaSendTo: 'c@example.org',
    totpSecret: TOTP,
  });
  assert.deepEqual(user('carla'), {
    username: 'carla',
    password: hashOf(GOOD_PASSWORD),
    groups: ['Ops', 'Dev'],
    passwordExpired: true,
    twoFaSendTo: 'c@example.org',
    totpSecret: TOTP,
  });
  await accounts.addUser({ username: '14 bytes: ä', password: '\u0000äääääa\u0000a', groups: null });
  assert.deepEqual(user('14 bytes: ä').groups, null);
  assert.equal(user('14 bytes: ä').passwordExpired, false);
});

test('a change that changes nothing is refused', async (t) => {
  const { accounts } = await accountRules(t);
  const nothing = ['400 nothing to change'];
  for (const input of [
    {},
    { username: 'bert' },
    { username: '', password: '', twoFaSendTo: '', totpSecret: '', groups: null, passwordExpired: null },
    { twoFaSendTo: 'b@example.org' },
  ] as const) {
    assert.deepEqual(await refusals(accounts.changeUser('bert', input)), nothing, JSON.stringify(input));
  }
  assert.deepEqual(
    await refusals(accounts.changeUser('nobody', {})),
    nothing,
    'before the user is looked up',
  );
});

test('a change replaces what is given and nothing else', async (t) => {
  const { accounts, user } = await accountRules(t);
  const before = user('bert');
  await accounts.changeUser('bert', { groups: ['Ops', 'Ops'] });
  assert.deepEqual(user('bert'), { ...before, groups: ['Ops'] });
  await accounts.changeUser('bert', { groups: [] });
  assert.deepEqual(user('bert'), { ...before, groups: [] });
  await accounts.changeUser('bert', { passwordExpired: true, totpSecret: TOTP });
  assert.deepEqual(user('bert'), { ...before, groups: [], passwordExpired: true, totpSecret: TOTP });
  await accounts.changeUser('bert', { totpSecret: ' ' });
  assert.equal(user('bert').totpSecret.trim(), '', 'a blank removes it, as in rportd');
});

test('a new password counts at once, unless it is given out as expired', async (t) => {
  const { accounts, user } = await accountRules(t);
  await accounts.changeUser('bert', { passwordExpired: true });
  await accounts.changeUser('bert', { password: `${GOOD_PASSWORD}!` });
  assert.deepEqual(
    [user('bert').password, user('bert').passwordExpired],
    [hashOf(`${GOOD_PASSWORD}!`), false],
  );
  await accounts.changeUser('bert', { password: GOOD_PASSWORD, passwordExpired: true });
  assert.equal(user('bert').passwordExpired, true);
  await accounts.setPasswordHash('bert', hashOf('other'));
  assert.deepEqual([user('bert').password, user('bert').passwordExpired], [hashOf('other'), false]);
});

test('unknown users and taken names', async (t) => {
  const { accounts, names } = await accountRules(t);
  const unknown = ["404 cannot find user by username 'nobody'"];
  const taken = ['400 Another user with this username already exists'];
  assert.deepEqual(await refusals(accounts.changeUser('nobody', { groups: [] })), unknown);
  assert.deepEqual(await refusals(accounts.changeUser('nobody', { username: 'anna' })), taken);
  assert.deepEqual(await refusals(accounts.changeUser('bert', { username: 'anna' })), taken);
  assert.deepEqual(await refusals(accounts.removeUser('nobody')), unknown);
  assert.deepEqual(await refusals(accounts.setPasswordHash('nobody', hashOf('x'))), unknown);
  assert.deepEqual(await refusals(accounts.setTotpSecret('nobody', TOTP)), unknown);
  await accounts.changeUser('bert', { username: 'robert', groups: ['Ops'] });
  assert.deepEqual(names(), ['anna', 'robert']);
});

test('where codes are sent, users need a receiver that can be reached', async (t) => {
  const asked: string[] = [];
  const { accounts, user } = await accountRules(t, {
    checkReceiver(receiver) {
      asked.push(receiver);
      if (receiver === 'down') return Promise.reject(new AppError('overloaded'));
      return receiver.includes('@') ? Promise.resolve() : Promise.reject(new Error('invalid email format'));
    },
  });
  assert.deepEqual(await refusals(accounts.addUser({})), [
    '400 username is required',
    '400 password is required',
    '400 two_fa_send_to is required',
  ]);
  assert.deepEqual(await refusals(accounts.addUser({ ...carla, twoFaSendTo: 'nowhere' })), [
    '400 invalid two_fa_send_to: invalid email format',
  ]);
  assert.deepEqual(await refusals(accounts.changeUser('bert', { twoFaSendTo: 'nowhere' })), [
    '400 invalid two_fa_send_to: invalid email format',
  ]);
  assert.deepEqual(await refusals(accounts.changeUser('bert', { twoFaSendTo: 'x'.repeat(1025) })), [
    '400 invalid two_fa_send_to: the receiver is too long',
  ]);
  const [down] = await refusals(accounts.changeUser('bert', { twoFaSendTo: 'down' }));
  assert.match(String(down), /^503/, 'a service that is down says nothing about the receiver');
  await accounts.changeUser('bert', { twoFaSendTo: 'b@example.org' });
  assert.equal(user('bert').twoFaSendTo, 'b@example.org');
  assert.deepEqual(asked, ['nowhere', 'nowhere', 'down', 'b@example.org']);
});

test('the single user cannot be changed', async (t) => {
  const { accounts } = await accountRules(t, {
    users: staticUsers('admin:secret'),
    writes: staticUserWrites(),
  });
  const refused = ["400 The single user authentication doesn't support this operation."];
  assert.deepEqual(await refusals(accounts.addUser(carla)), refused);
  assert.deepEqual(await refusals(accounts.changeUser('admin', { password: GOOD_PASSWORD })), refused);
  assert.deepEqual(await refusals(accounts.changeUser('admin', {})), ['400 nothing to change']);
  assert.deepEqual(await refusals(accounts.removeUser('admin')), refused);
  assert.deepEqual(await refusals(accounts.addVouchedUser('carla')), refused);
});

test('somebody vouched for gets the configured group and a password of his own; he stays as he is after that', async (t) => {
  const { accounts, user } = await accountRules(t, { api: { defaultUserGroup: 'Guests' } });
  await accounts.addVouchedUser('carla');
  await accounts.addVouchedUser('dora');
  assert.deepEqual(user('carla').groups, ['Guests']);
  assert.notEqual(user('carla').password, user('dora').password);
  await accounts.changeUser('carla', { groups: ['Ops'] });
  const before = user('carla');
  await accounts.addVouchedUser('carla');
  assert.deepEqual(user('carla'), before);
  assert.deepEqual(await refusals(accounts.addVouchedUser(' carla')), [blanks]);
});

test('a better hash replaces only the one it was made from', async (t) => {
  const { accounts, user } = await accountRules(t);
  const old = user('bert').password;
  await accounts.changeUser('bert', { password: `${GOOD_PASSWORD}!` });
  await accounts.replacePasswordHash('bert', old, hashOf('stale'));
  assert.equal(user('bert').password, hashOf(`${GOOD_PASSWORD}!`));
  await accounts.changeUser('bert', { passwordExpired: true });
  await accounts.replacePasswordHash('bert', user('bert').password, hashOf('better'));
  assert.equal(user('bert').password, hashOf('better'));
  assert.equal(user('bert').passwordExpired, true, 'it is the same password');
});

test('a TOTP secret is made once, and may be removed', async (t) => {
  const { accounts, user } = await accountRules(t);
  const made = await Promise.all([
    refusals(accounts.setTotpSecret('bert', TOTP, true)),
    refusals(accounts.setTotpSecret('bert', `${TOTP}AA`, true)),
  ]);
  assert.deepEqual(made, [[], ['409 cannot create new totP secret when another one already exists']]);
  assert.equal(user('bert').totpSecret, TOTP);
  await accounts.setTotpSecret('bert', null);
  assert.equal(user('bert').totpSecret, '');
  await accounts.setTotpSecret('bert', TOTP, true);
});

test('what fails in the source is passed on as it is', async (t) => {
  const broken = new Error('SQLITE_IOERR: disk I/O error');
  const writes = {
    ...staticUserWrites(),
    add: () => Promise.reject(broken),
    change: () => Promise.reject(broken),
  };
  const { accounts } = await accountRules(t, { writes });
  await assert.rejects(accounts.addUser(carla), broken);
  await assert.rejects(accounts.changeUser('bert', { groups: [] }), broken);
  await assert.rejects(
    accounts.setPasswordHash('bert', hashOf('x')),
    broken,
    'the next one is made all the same',
  );
});

test('nobody takes a name that no path can have, or that looks like another', async (t) => {
  const { accounts, names } = await accountRules(t);
  const before = names();
  for (const [username, title] of [
    ['a/b', 'username must not be a path'],
    ['..', 'username must not be a path'],
    ['.', 'username must not be a path'],
    ['anna\u200b', 'username must not have control characters'],
    ['\u202eanna', 'username must not have control characters'],
    ['an\u0085na', 'username must not have control characters'],
    ['an\u2028na', 'username must not have control characters'],
  ] as const) {
    const refused = [`400 ${title}`];
    assert.deepEqual(await refusals(accounts.changeUser('bert', { username })), refused, username);
    assert.deepEqual(await refusals(accounts.addUser({ username, password: GOOD_PASSWORD })), refused);
    assert.deepEqual(await refusals(accounts.addVouchedUser(username)), refused);
  }
  assert.deepEqual(names(), before);
  for (const username of ['CORP\\bert', 'bert@example.org', '...', 'Ännä <b>', '安娜']) {
    assert.deepEqual(await refusals(accounts.addUser({ username, password: GOOD_PASSWORD })), [], username);
  }
});
