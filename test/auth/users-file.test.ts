import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { changeUsersFile } from '../../src/auth/users/change-users-file.js';
import { fileUserWrites } from '../../src/auth/users/file-user-writes.js';
import { parseUsersFile, type UserEntry } from '../../src/auth/users/parse-users-file.js';
import type { User } from '../../src/auth/users/provider.js';
import { authWorld, bcryptHash } from '../support/auth-world.js';
import { MemoryLogger } from '../support/memory-logger.js';
import { tempFolder } from '../support/temp-folder.js';
import { tempStore } from '../support/temp-store.js';

const HASH = '$2y$10$abcdefghijklmnopqrstuuxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx';
/** Root may write everything. */
const NOBODY = 65_534;
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

const user = (username: string, more: Partial<User> = {}): User => ({
  username,
  password: HASH,
  passwordExpired: false,
  groups: null,
  twoFaSendTo: '',
  totpSecret: '',
  ...more,
});

/** A users file with this content, and what changes it. */
function usersFile(t: TestContext, content: unknown = []) {
  const path = join(tempFolder(t), 'users.json');
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  const log = new MemoryLogger();
  const { exclusively } = tempStore(t);
  return {
    path,
    log,
    exclusively,
    writes: fileUserWrites(path, { exclusively, log }),
    text: () => readFileSync(path, 'utf8'),
    read: () => JSON.parse(readFileSync(path, 'utf8')) as unknown,
  };
}

test('what is added is read back, in the layout of the reference', async (t) => {
  const { writes, text, read } = usersFile(t, '');
  const anna = user('anna', {
    groups: ['Administrators', 'x', 'x'],
    passwordExpired: true,
    twoFaSendTo: 'anna@example.org',
    totpSecret: 'otpauth://totp/x',
  });
  await writes.add(anna);
  await writes.add(user('bert'));
  assert.deepEqual(read(), [
    {
      username: 'anna',
      password: HASH,
      password_expired: true,
      groups: ['Administrators', 'x'],
      two_fa_send_to: 'anna@example.org',
      totp_secret: 'otpauth://totp/x',
    },
    { username: 'bert', password: HASH, password_expired: false, groups: null, two_fa_send_to: '' },
  ]);
  assert.ok(text().startsWith('[\n {\n  "username"'));
  assert.deepEqual(
    parseUsersFile(text()).map((entry) => entry.user),
    [{ ...anna, groups: ['Administrators', 'x'] }, user('bert')],
  );
});

test('a change touches what it names only: other keys, their spelling and place, mode and links stay', async (t) => {
  const bert = { username: 'bert', password: HASH, extra: [1] };
  const anna = { note: { a: 1 }, username: 'anna', Password: HASH, password_expired: true, groups: ['x'] };
  const { path, log, exclusively, writes, read } = usersFile(t, [anna, bert]);
  chmodSync(path, 0o640);
  const link = join(dirname(path), 'link.json');
  symlinkSync('users.json', link);
  await fileUserWrites(link, { exclusively, log }).change('anna', {
    password: '$argon2id$new',
    passwordExpired: false,
  });
  assert.deepEqual(read(), [{ ...anna, Password: '$argon2id$new', password_expired: false }, bert]);
  assert.equal(statSync(path).mode & 0o777, 0o640);
  await writes.change('anna', { groups: [], twoFaSendTo: 'a@b', totpSecret: 's' });
  await writes.change('bert', { username: 'carl' });
  assert.deepEqual(read(), [
    {
      ...anna,
      Password: '$argon2id$new',
      password_expired: false,
      groups: [],
      two_fa_send_to: 'a@b',
      totp_secret: 's',
    },
    { ...bert, username: 'carl' },
  ]);
  await writes.change('anna', { totpSecret: '' });
  assert.ok(!('totp_secret' in ((read() as object[])[0] ?? {})));
  assert.deepEqual(readdirSync(dirname(path)).sort(), ['link.json', 'users.json']);
});

test('taken and unknown names are refused, and nothing is written', async (t) => {
  const { writes, text } = usersFile(t, [user('anna'), user('bert')]);
  const before = text();
  const taken = { status: 400, title: 'Another user with this username already exists' };
  const unknown = { status: 404, title: "cannot find user by username 'x'" };
  await assert.rejects(writes.add(user('anna')), taken);
  await assert.rejects(writes.change('anna', { username: 'bert' }), taken);
  await assert.rejects(writes.change('x', { groups: [] }), unknown);
  await assert.rejects(writes.remove('x'), unknown);
  assert.equal(text(), before);
  await writes.change('anna', { username: 'anna', groups: ['g'] });
  await writes.remove('anna');
  assert.deepEqual(names(text()), ['bert']);
});

test('an edit by hand survives, also one made while a change is under way', async (t) => {
  const { path, log, exclusively, text } = usersFile(t, [user('anna')]);
  const byHand = [[user('anna'), user('first')], [user('second-edit')]];
  const add = (entries: readonly UserEntry[]): unknown[] => {
    const edit = byHand.shift();
    if (edit !== undefined) writeFileSync(path, JSON.stringify(edit));
    return [...entries.map(({ raw }) => raw), user('bert')];
  };
  await changeUsersFile(path, add, { exclusively, log });
  assert.deepEqual(names(text()), ['second-edit', 'bert']);
  assert.deepEqual(readdirSync(dirname(path)), ['users.json']);
});

test('two that change the file at the same time, such as server and command, lose nothing of each other', async (t) => {
  const { path, log, exclusively, text } = usersFile(t);
  const expected = await Promise.all(
    ['one', 'other'].map(async (writer) => {
      const writes = fileUserWrites(path, { exclusively, log });
      const added = Array.from({ length: 100 }, (_, index) => `${writer}-${index}`);
      for (const name of added) await writes.add(user(name));
      return added;
    }),
  );
  assert.deepEqual(names(text()).sort(), expected.flat().sort());
  assert.deepEqual(log.lines, []);
});

test('groups have no rows in a file', async (t) => {
  const { writes } = usersFile(t);
  const title = "The json file authentication backend doesn't support this feature.";
  const group = {
    name: 'g',
    permissions: new Set<never>(),
    tunnelsRestricted: null,
    commandsRestricted: null,
  };
  await assert.rejects(writes.putGroup(group), { status: 400, title });
  await assert.rejects(writes.removeGroup('g'), { status: 400, title });
});

test('a file that is bad or gone is left alone; callers learn neither its path nor its content', async (t) => {
  const { path, writes, log, text } = usersFile(t, '[{');
  const failed = { status: 500, title: 'the users file cannot be read', detail: '' };
  await assert.rejects(writes.add(user('anna')), failed);
  assert.equal(text(), '[{');
  rmSync(path);
  await assert.rejects(writes.remove('anna'), failed);
  assert.ok(
    log.lines.every(
      (line) => line.startsWith('error: the users file cannot be read: ') && line.includes(path),
    ),
  );
});

test('what would spoil the file is not written', async (t) => {
  const { writes, text } = usersFile(t, [user('anna')]);
  const before = text();
  await assert.rejects(writes.add(user('bert', { password: 'plain' })), { status: 500 });
  assert.equal(text(), before);
});

test('a file without the right to write stays as it is', async (t) => {
  const { path, writes, text } = usersFile(t, [user('anna')]);
  chmodSync(path, 0o440);
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) {
    for (const owned of [dirname(path), path]) chownSync(owned, NOBODY, NOBODY);
    process.seteuid?.(NOBODY);
  }
  try {
    await assert.rejects(writes.remove('anna'), { status: 500, title: 'the users file cannot be written' });
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
  assert.deepEqual(names(text()), ['anna']);
  assert.deepEqual(readdirSync(dirname(path)), ['users.json']);
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
