/** The real command on a configuration of its own. Spec 02 §19. */

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { verify } from 'argon2';
import { verifyAuditLog } from '../../src/audit/verify.js';
import { parseUsersFile } from '../../src/auth/users/parse-users-file.js';
import type { User } from '../../src/auth/users/provider.js';
import { prepareDataDir } from '../../src/config/bootstrap.js';
import { openStore } from '../../src/store/open.js';
import { load } from '../config/surroundings.js';
import { sqlite } from '../support/foreign-database.js';
import { MemoryLogger } from '../support/memory-logger.js';
import { tempFolder } from '../support/temp-folder.js';
import { type CommandResult, userCommand } from '../support/user-command.js';

const PASSWORD = 'a long enough password';
const HASH = '$2y$10$abcdefghijklmnopqrstuuxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx';
const ADMIN = { username: 'root', password: HASH, groups: ['Administrators'] };

/** A configuration with these lines in `[api]`, and the command with it. */
function configured(t: TestContext, ...api: string[]) {
  const folder = tempFolder(t);
  const dataDir = join(folder, 'data');
  const usersFile = join(folder, 'users.json');
  writeFileSync(usersFile, JSON.stringify([ADMIN]));
  writeFileSync(
    join(folder, 'rportd.conf'),
    [
      '[server]',
      'auth = "a:b"',
      `data_dir = ${JSON.stringify(dataDir)}`,
      '[api]',
      'address = "127.0.0.1:0"',
      ...api.map((line) => line.replace('USERS', usersFile)),
    ].join('\n'),
  );
  const run = (line: string, input?: string): Promise<CommandResult> => {
    const args = line.split(' ').map((word) => word.replace('EMPTY', ''));
    return userCommand(args, { cwd: folder, ...(input === undefined ? {} : { input }) });
  };
  return { folder, dataDir, usersFile, run };
}

const done = (out: string): CommandResult => ({ code: 0, out: `${out}\n`, err: '' });

function assertFailed(result: CommandResult, text: string): void {
  assert.equal(result.code, 1);
  assert.equal(result.out, '');
  assert.match(result.err, /^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d /);
  assert.equal(result.err.slice(20), `${text}\n`);
}

async function storedUsers(dataDir: string): Promise<readonly User[]> {
  const store = openStore(dataDir, { log: new MemoryLogger() });
  try {
    return [...store.users.all()];
  } finally {
    await store.close();
  }
}

/** Its entries, of a chain that is whole. */
async function auditLog(dataDir: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const store = openStore(dataDir, { log: new MemoryLogger() });
  try {
    const { checked } = await verifyAuditLog(store.audit, dataDir);
    assert.ok(checked.every(({ wrong }) => wrong === null));
    const { head } = store.audit.state();
    return store.audit
      .lines({ from: 1, to: head.seq, limit: 100 })
      .map(({ line }) => JSON.parse(line) as Readonly<Record<string, unknown>>);
  } finally {
    await store.close();
  }
}

test('users of the own store are added, changed, listed and removed', async (t) => {
  const { dataDir, run } = configured(t);
  assert.deepEqual(
    await run('add -u root -g Administrators', `${PASSWORD}\n`),
    done('User added successfully.'),
  );
  assert.deepEqual(
    await run('add -u anna -g a,b -g c', `${PASSWORD}\nmore`),
    done('User added successfully.'),
  );
  const [anna] = await storedUsers(dataDir);
  assert.deepEqual(anna?.groups, ['a', 'b', 'c']);
  assert.ok(await verify(anna?.password ?? '', PASSWORD));
  assert.deepEqual(await run('list'), {
    code: 0,
    out: 'USERNAME  GROUPS          EXPIRED  2FA RECEIVER\nanna      a, b, c         no\nroot      Administrators  no\n',
    err: '',
  });
  assert.deepEqual(await run('change -u anna -g EMPTY'), done('User changed successfully.'));
  assert.deepEqual(
    await run('change -u anna -p', 'another good password'),
    done('User changed successfully.'),
  );
  const [changed] = await storedUsers(dataDir);
  assert.deepEqual(changed?.groups, []);
  assert.ok(await verify(changed?.password ?? '', 'another good password'));
  assert.deepEqual(await run('delete -u anna'), done('User deleted successfully.'));
  assert.deepEqual(
    (await storedUsers(dataDir)).map(({ username }) => username),
    ['root'],
  );
});

test('without a server, what it changes is in the audit log all the same, unless that is off', async (t) => {
  const { dataDir, run } = configured(t);
  await run('add -u root -g Administrators', PASSWORD);
  await run('add -u anna', PASSWORD);
  assert.equal((await run('add -u anna', PASSWORD)).code, 1);
  await run('delete -u anna');
  const off = configured(t, 'enable_audit_log = false');
  await off.run('add -u root -g Administrators', PASSWORD);
  assert.deepEqual(
    (await auditLog(dataDir)).map(({ application, action, affected_id }) => [
      application,
      action,
      affected_id,
    ]),
    [
      ['auth.user', 'create', 'root'],
      ['auth.user', 'create', 'anna'],
      ['user', 'delete', 'anna'],
    ],
  );
  assert.deepEqual(await auditLog(off.dataDir), []);
});

test('users of a file are changed in it; what else is there stays', async (t) => {
  const { usersFile, run } = configured(t, 'auth_file = "USERS"');
  writeFileSync(usersFile, JSON.stringify([{ ...ADMIN, note: 1 }]));
  assert.deepEqual(await run('add -u anna', PASSWORD), done('User added successfully.'));
  assert.deepEqual(await run('change -u anna -g x'), done('User changed successfully.'));
  const [admin, anna] = parseUsersFile(readFileSync(usersFile, 'utf8'));
  assert.deepEqual(admin?.raw, { ...ADMIN, note: 1 });
  assert.deepEqual(anna?.user.groups, ['x']);
  assert.ok(await verify(anna?.user.password ?? '', PASSWORD));
  assert.deepEqual(await run('delete -u anna'), done('User deleted successfully.'));
  assert.deepEqual(JSON.parse(readFileSync(usersFile, 'utf8')), [{ ...ADMIN, note: 1 }]);
});

test('refusals are one line with the reason', async (t) => {
  const { run } = configured(t, 'auth_file = "USERS"');
  assertFailed(
    await run('add -u root', PASSWORD),
    'Could not add user: Another user with this username already exists',
  );
  assertFailed(
    await run('add -u anna', 'short'),
    'Could not add user: password must be at least 14 characters',
  );
  assertFailed(await run('add -u anna'), 'Could not add user: password is required');
  assertFailed(
    await run('change -u nobody -g x'),
    "Could not change user: cannot find user by username 'nobody'",
  );
  assertFailed(await run('change -u root'), 'Could not change user: nothing to change');
  assertFailed(await run('change -u root --2fa-sendto x@y.z'), 'Could not change user: nothing to change');
  assertFailed(await run('delete -u nobody'), "Could not delete user: cannot find user by username 'nobody'");
});

test('with two-factor codes a receiver is needed, and may be all that changes; it is not checked', async (t) => {
  const { usersFile, run } = configured(t, 'auth_file = "USERS"', 'two_fa_token_delivery = "/bin/true"');
  assertFailed(await run('add -u anna', PASSWORD), 'Could not add user: two_fa_send_to is required');
  assert.deepEqual(
    await run('add -u anna --2fa-sendto somewhere', PASSWORD),
    done('User added successfully.'),
  );
  assert.deepEqual(await run('change -u anna --2fa-sendto elsewhere'), done('User changed successfully.'));
  const [, anna] = parseUsersFile(readFileSync(usersFile, 'utf8'));
  assert.equal(anna?.user.twoFaSendTo, 'elsewhere');
});

test('users of a database are changed in its tables', async (t) => {
  const database = await sqlite.create(t);
  const { folder, run } = configured(
    t,
    'auth_user_table = "users"',
    'auth_group_table = "groups"',
    'auth_group_details_table = "group_details"',
    '[database]',
    'db_type = "sqlite"',
    `db_name = ${JSON.stringify(database.config.dbName)}`,
  );
  assert.deepEqual(await run('add -u anna -g a,b', PASSWORD), done('User added successfully.'));
  assert.deepEqual(await run('change -u anna -g b'), done('User changed successfully.'));
  assert.match((await userCommand(['list'], { cwd: folder })).out, /^anna +b +no$/m);
  const [row] = await database.run('SELECT password FROM users WHERE username = ?', ['anna']);
  assert.ok(await verify(String(row?.password), PASSWORD));
});

test('the last administrator stays', async (t) => {
  const { usersFile, run } = configured(t, 'auth_file = "USERS"');
  for (const line of ['delete -u root', 'change -u root -g EMPTY', 'change -u root -g other']) {
    const { code, err } = await run(line);
    assert.equal(code, 1, line);
    assert.match(err, /Could not (?:delete|change) user: .*administrator/i);
  }
  assert.deepEqual(JSON.parse(readFileSync(usersFile, 'utf8')), [ADMIN]);
});

test('the single user cannot be changed', async (t) => {
  const { run } = configured(t, 'auth = "one:password"');
  const title = "The single user authentication doesn't support this operation.";
  assertFailed(await run('add -u anna', PASSWORD), `Could not add user: ${title}`);
  assertFailed(await run('delete -u one'), `Could not delete user: ${title}`);
  assert.match((await run('list')).out, /^one +Administrators +no$/m);
});

test('the list holds no secrets, and names cannot disturb the terminal', async (t) => {
  const { usersFile, run } = configured(t, 'auth_file = "USERS"');
  const bad = {
    username: 'ev\u001b[2Jil',
    password: HASH,
    totp_secret: 'otpauth://s3cret',
    password_expired: true,
  };
  writeFileSync(usersFile, JSON.stringify([ADMIN, { ...bad, two_fa_send_to: 'a@b' }]));
  const { out } = await run('list');
  assert.match(out, /^ev\\x1b\[2Jil +yes +a@b$/m);
  assert.ok(!out.includes(HASH) && !out.includes('s3cret'));
});

test('without a configuration file it works where a server was started, and nowhere else', async (t) => {
  const cwd = tempFolder(t);
  const add = ['add', '-u', 'anna', '-g', 'Administrators'];
  const refused = await userCommand(add, { cwd, input: PASSWORD });
  assert.equal(refused.code, 1);
  assert.match(refused.err, /there is no configuration file, and no server has been started here/);
  assert.deepEqual(readdirSync(cwd), []);
  mkdirSync(join(cwd, 'data'));
  assert.deepEqual(await userCommand(add, { cwd, input: PASSWORD }), done('User added successfully.'));
  const elsewhere = ['list', '--data-dir', join(cwd, 'data')];
  assert.match((await userCommand(elsewhere, { cwd: '/' })).out, /^anna +Administrators/m);
  // It makes no administrator, and a start that finds users makes none either.
  const { newAdmin } = await prepareDataDir(load({ argv: ['--data-dir', join(cwd, 'data')] }));
  assert.equal(newAdmin, null);
});

test('users that an earlier version kept in a file are imported before one is added', async (t) => {
  const { dataDir, run } = configured(t);
  mkdirSync(dataDir);
  writeFileSync(join(dataDir, 'api-users.json'), JSON.stringify([ADMIN]));
  assert.deepEqual(await run('add -u anna', PASSWORD), done('User added successfully.'));
  assert.deepEqual(
    (await storedUsers(dataDir)).map(({ username, password }) => [username, password === HASH]),
    [
      ['anna', false],
      ['root', true],
    ],
  );
  assert.ok(existsSync(join(dataDir, 'api-users.json.imported')));
});

test('an unusable configuration is one line, wrong arguments are answered with the usage', async (t) => {
  const { folder, usersFile, run } = configured(t, 'auth_file = "USERS"');
  assertFailed(
    await run('list -c gone.conf'),
    'Invalid config: error reading config file: open gone.conf: no such file or directory. See --help',
  );
  writeFileSync(usersFile, '[{');
  const broken = await run('list');
  assert.equal(broken.code, 1);
  assert.match(broken.err, /failed to parse users data/);
  const { code, out, err } = await userCommand(['add'], { cwd: folder });
  assert.deepEqual([code, out], [1, '']);
  assert.match(err, /^Error: required flag\(s\) "username" not set\nUsage:\n/);
  assert.match((await userCommand([], { cwd: folder })).out, /^Add, change, delete or list api users\n/);
});
