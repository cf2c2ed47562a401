import assert from 'node:assert/strict';
import { chmodSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { changePassword } from '../../src/auth/users/change-users-file.js';
import { parseUsersFile } from '../../src/auth/users/parse-users-file.js';
import { authWorld, bcryptHash } from '../support/auth-world.js';
import { tempFolder } from '../support/temp-folder.js';

const HASH = '$2y$10$abcdefghijklmnopqrstuuxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx';
const names = (text: string): string[] => parseUsersFile(text).map(({ user }) => user.username);

test('what the reference reads is read (spec 02 §18.2)', () => {
  assert.deepEqual(names(''), []);
  assert.deepEqual(names(' \n'), []);
  assert.deepEqual(names('[]'), []);
  assert.deepEqual(names(`[{"username":" anna ","password":" ${HASH} "}] trash]`), ['anna']);
  const [entry] = parseUsersFile(
    `[{"Username":"anna","PASSWORD":"${HASH}","password_expired":null,"groups":null,"unknown":{"a":[1,"]"]}}]`,
  );
  assert.deepEqual(entry?.user, {
    username: 'anna',
    password: HASH,
    passwordExpired: false,
    groups: null,
    twoFaSendTo: '',
    totpSecret: '',
  });
});

test('every bcrypt spelling and argon2id are hashes, anything else is refused', () => {
  for (const start of ['$2y$', '$2a$', '$2b$', '$argon2id$']) {
    assert.deepEqual(names(`[{"username":"anna","password":"${start}x"}]`), ['anna']);
  }
  for (const password of ['plain', '$1$x', '$2z$x']) {
    assert.throws(
      () => names(`[{"username":"anna","password":"${password}"}]`),
      /^Error: username "anna": require passwords to be bcrypt hashed/,
    );
  }
});

test('what is wrong with a file is said in the words of the reference, without its secrets', () => {
  const user = (name: string) => `{"username":"${name}","password":"${HASH}"}`;
  const cases: [text: string, message: RegExp][] = [
    ['{', /^failed to parse users data: /],
    [`[${user('anna')}`, /^failed to parse users data: /],
    ['[1]', /^failed to parse user: /],
    ['[{"username":5}]', /^failed to parse user: /],
    [`[{"username":"anna","password":"${HASH}","groups":"x"}]`, /^failed to parse user: /],
    [`[{"username":" ","password":"${HASH}"}]`, /^username can not be empty$/],
    ['[{"username":"anna","password":" "}]', /^password can not be empty$/],
    [`[${user('anna')},${user('anna')}]`, /^non unique username: "anna"$/],
  ];
  for (const [text, message] of cases) {
    assert.throws(
      () => names(text),
      (error: Error) => message.test(error.message) && !error.message.includes(HASH),
      text,
    );
  }
});

test('a changed password keeps everything else of the file, its mode too', async (t) => {
  const path = join(tempFolder(t), 'users.json');
  const bert = { username: 'bert', password: HASH, extra: [1] };
  const anna = { username: 'anna', Password: HASH, password_expired: true, groups: ['x'] };
  writeFileSync(path, JSON.stringify([anna, bert]));
  chmodSync(path, 0o640);
  await changePassword(path, { username: 'anna', hash: '$argon2id$new' });
  assert.deepEqual(JSON.parse(readFileSync(path, 'utf8')), [
    { ...anna, Password: '$argon2id$new', password_expired: false },
    bert,
  ]);
  assert.ok(readFileSync(path, 'utf8').startsWith('[\n {\n  "username"'));
  assert.equal(statSync(path).mode & 0o777, 0o640);
  assert.deepEqual(readdirSync(dirname(path)), ['users.json']);
});

test('a link to the file stays a link', async (t) => {
  const folder = tempFolder(t);
  writeFileSync(join(folder, 'real.json'), JSON.stringify([{ username: 'anna', password: HASH }]));
  symlinkSync('real.json', join(folder, 'users.json'));
  await changePassword(join(folder, 'users.json'), { username: 'anna', hash: '$argon2id$new' });
  assert.ok(readFileSync(join(folder, 'real.json'), 'utf8').includes('$argon2id$new'));
});

test('an unknown user is 404, and a bad file is left alone', async (t) => {
  const path = join(tempFolder(t), 'users.json');
  writeFileSync(path, '[]');
  await assert.rejects(changePassword(path, { username: 'x', hash: 'h' }), {
    status: 404,
    title: "cannot find user by username 'x'",
  });
  writeFileSync(path, '[{');
  await assert.rejects(changePassword(path, { username: 'x', hash: 'h' }), /failed to parse users data/);
  assert.equal(readFileSync(path, 'utf8'), '[{');
});

test('an edited file counts at the next login; a bad one leaves the old users in force', async (t) => {
  const world = await authWorld(t);
  assert.equal((await world.login('carl')).status, 401);
  writeFileSync(world.usersFile, JSON.stringify([{ username: 'carl', password: bcryptHash('pwd') }]));
  world.clock.advance(3000);
  assert.equal((await world.login('carl')).status, 200);
  assert.equal((await world.login('anna')).status, 401);
  writeFileSync(world.usersFile, '[{"username":"carl"');
  world.clock.advance(3000);
  assert.equal((await world.login('carl')).status, 200);
  assert.ok(world.log.lines.some((line) => line.startsWith('error: Failed to reload API users: ')));
  await assert.rejects(world.users.reload(), /failed to parse users data/);
  assert.equal((await world.login('carl')).status, 200);
});
