import assert from 'node:assert/strict';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { spawnGuard } from '../../src/actors/guard/behavior.js';
import { createGuard } from '../../src/actors/guard/create-guard.js';
import { createAgentLogin } from '../../src/auth/agents/create-agent-login.js';
import type { CredentialSource } from '../../src/auth/agents/credential-source.js';
import { fileCredentials } from '../../src/auth/agents/file-credentials.js';
import { staticCredentials } from '../../src/auth/agents/static-credentials.js';
import type { Config } from '../../src/config/types.js';
import { loneSystem } from '../support/actor-system.js';
import { MemoryLogger } from '../support/memory-logger.js';
import { tempFolder } from '../support/temp-folder.js';
import { tempStore } from '../support/temp-store.js';

const IP = '192.0.2.1';

async function agents(
  test: TestContext,
  given: { authFile?: string; credentials?: Pick<CredentialSource, 'lookup'> } = {},
) {
  const { system, clock } = loneSystem();
  test.after(() => system.shutdown());
  const log = new MemoryLogger();
  const authFile = given.authFile ?? '';
  const config = {
    server: {
      clientLoginWait: 2,
      maxFailedLogin: 5,
      banTime: 3600,
    },
    api: { userLoginWait: 2, maxFailedLogin: 10, banTime: 600 },
  } as unknown as Config;
  spawnGuard(system, config, log);
  const guard = createGuard({ system, config, clock, log });
  await guard.ready;
  const credentials =
    given.credentials ??
    (authFile === ''
      ? staticCredentials({ id: 'agent', password: 'se:cret' })
      : fileCredentials({ path: authFile, exclusively: tempStore(test).exclusively, clock, log }));
  const login = createAgentLogin({ config, guard, log, credentials });
  return { clock, guard, log, login };
}

test('the configured credential is let in, nothing else', async (t) => {
  const { clock, login } = await agents(t);
  assert.equal(await login.verify('agent', 'se:cret', IP), 'agent');
  for (const [id, password] of [
    ['agent', 'wrong'],
    ['agent', ''],
    ['Agent', 'se:cret'],
    ['', ''],
  ] as const) {
    assert.equal(await login.verify(id, password, IP), null);
    clock.advance(2000);
  }
});

test('within the wait even the right password is refused, and the wait is not renewed (spec 01 §4.8)', async (t) => {
  const { clock, login, log } = await agents(t);
  assert.equal(await login.verify('agent', 'wrong', IP), null);
  clock.advance(1999);
  assert.equal(await login.verify('agent', 'se:cret', IP), null);
  assert.ok(
    log.lines.includes(
      'info: Failed login attempt for client auth id "agent", forcing to wait for 2s (192.0.2.1)',
    ),
  );
  clock.advance(1);
  assert.equal(await login.verify('agent', 'se:cret', IP), 'agent');
});

test('refusals within the wait do not count towards a ban', async (t) => {
  const { guard, login } = await agents(t);
  for (let count = 0; count < 50; count++) await login.verify('agent', 'wrong', IP);
  assert.equal(guard.isBanned('client', IP), false);
});

test('five wrong passwords ban the address, a right one in between starts the count anew', async (t) => {
  const { clock, guard, log, login } = await agents(t);
  const guess = async (password: string) => {
    await login.verify('agent', password, IP);
    clock.advance(2000);
  };
  for (let count = 0; count < 4; count++) await guess('wrong');
  await guess('se:cret');
  for (let count = 0; count < 4; count++) await guess('wrong');
  assert.equal(guard.isBanned('client', IP), false);
  const expiry = new Date(clock.now() + 3_600_000).toISOString().replace('.000', '');
  await guess('wrong');
  assert.equal(guard.isBanned('client', IP), true);
  assert.equal(guard.isBanned('api', IP), false);
  assert.ok(
    log.lines.includes(
      `info: Maximum of 5 login attempts reached. Visitor (192.0.2.1) banned. Ban expiry: ${expiry}`,
    ),
  );
  clock.advance(3_600_000);
  assert.equal(await login.verify('agent', 'se:cret', IP), 'agent');
});

test('an agent goes by the id of its credential, whatever it was found under', async (t) => {
  const credentials: Pick<CredentialSource, 'lookup'> = {
    lookup: () => ({ id: 'agent', password: 'secret' }),
  };
  const { login } = await agents(t, { credentials });
  assert.equal(await login.verify('AGENT', 'secret', IP), 'agent');
});

test('a source that cannot be read refuses without penalty', async (t) => {
  let broken = true;
  const credentials: Pick<CredentialSource, 'lookup'> = {
    lookup: async () => {
      if (broken) throw new Error('no database');
      return { id: 'agent', password: 'secret' };
    },
  };
  const { login, log } = await agents(t, { credentials });
  assert.equal(await login.verify('agent', 'secret', IP), null);
  assert.ok(log.lines.some((line) => line.startsWith('error: ') && line.includes('no database')));
  broken = false;
  assert.equal(await login.verify('agent', 'secret', IP), 'agent');
});

test('guesses made side by side get one look at the password', async (t) => {
  const waiting: (() => void)[] = [];
  const credentials: Pick<CredentialSource, 'lookup'> = {
    lookup: () => new Promise((resolve) => waiting.push(() => resolve({ id: 'agent', password: 'secret' }))),
  };
  const { login } = await agents(t, { credentials });
  const first = login.verify('agent', 'wrong', IP);
  const second = login.verify('agent', 'secret', IP);
  waiting[0]?.();
  assert.equal(await first, null);
  waiting[1]?.();
  assert.equal(await second, null);
});

test('a hostile id does not reach the log as it is', async (t) => {
  const { login, log } = await agents(t);
  const id = `x\n2026/01/01 info: forged line${'y'.repeat(100_000)}`;
  await login.verify(id, 'wrong', IP);
  await login.verify(id, 'wrong', IP);
  assert.ok(log.lines.length >= 2);
  assert.ok(log.lines.every((line) => !line.includes('\n') && line.length < 1000));
});

test('a credential file is followed: additions, changes and removals count at once', async (t) => {
  const authFile = join(tempFolder(t), 'clients.json');
  writeFileSync(authFile, '{"one":"first","bad":"","__proto__":"polluted"}');
  const { clock, login } = await agents(t, { authFile });
  const tries = async (id: string, password: string) => {
    clock.advance(2000);
    return login.verify(id, password, IP);
  };
  assert.equal(await tries('one', 'first'), 'one');
  assert.equal(await tries('bad', ''), null);
  assert.equal(await tries('toString', 'x'), null);
  assert.equal(await tries('two', 'second'), null);
  writeFileSync(authFile, '{"one":"frist","two":"second"}');
  assert.equal(await tries('one', 'first'), null);
  assert.equal(await tries('one', 'frist'), 'one');
  assert.equal(await tries('two', 'second'), 'two');
  writeFileSync(`${authFile}.new`, '{"two":"second"}');
  renameSync(`${authFile}.new`, authFile);
  assert.equal(await tries('one', 'frist'), null);
});

test('a credential file that turns bad keeps the last good one, and says so without its content', async (t) => {
  const authFile = join(tempFolder(t), 'clients.json');
  writeFileSync(authFile, '{"one":"topsecret"}');
  const { login, log } = await agents(t, { authFile });
  assert.equal(await login.verify('one', 'topsecret', IP), 'one');
  writeFileSync(authFile, '{"one":"topsecret"');
  assert.equal(await login.verify('one', 'topsecret', IP), 'one');
  assert.equal(await login.verify('one', 'topsecret', IP), 'one');
  const errors = log.lines.filter((line) => line.startsWith('error: '));
  assert.equal(errors.length, 1);
  assert.ok(!errors[0]?.includes('topsecret'));
  rmSync(authFile);
  assert.equal(await login.verify('one', 'topsecret', IP), 'one');
});

test('a credential file that never was there lets nobody in and punishes nobody', async (t) => {
  const authFile = join(tempFolder(t), 'clients.json');
  const { guard, login } = await agents(t, { authFile });
  for (let count = 0; count < 10; count++) assert.equal(await login.verify('one', 'x', IP), null);
  assert.equal(guard.mustWait('client', 'one', IP), false);
  writeFileSync(authFile, '{"one":"x"}');
  assert.equal(await login.verify('one', 'x', IP), 'one');
});
