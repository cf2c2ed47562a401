/** How every thread has users changed: refusals arrive as they were made, and no crowd fills the memory. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spawnAccounts } from '../../../src/actors/accounts/behavior.js';
import { remoteAccounts } from '../../../src/actors/accounts/remote-accounts.js';
import type { Accounts } from '../../../src/auth/accounts/accounts.js';
import { makeTurns } from '../../../src/auth/accounts/turns.js';
import { AppError, AppErrorList } from '../../../src/errors.js';
import { refusals } from '../../support/account-rules.js';
import { loneSystem } from '../../support/actor-system.js';
import { MemoryLogger } from '../../support/memory-logger.js';

function start(accounts: Partial<Accounts>) {
  const { system, clock } = loneSystem();
  const log = new MemoryLogger();
  spawnAccounts(system, { accounts: () => accounts as Accounts, turns: makeTurns(clock), log });
  return { accounts: remoteAccounts(system), system, log };
}

test('results and refusals are those of the accounts, several rules as several items', async () => {
  const group = {
    name: 'Ops',
    permissions: new Set(['vault'] as const),
    tunnelsRestricted: null,
    commandsRestricted: null,
  };
  const bad = (title: string): AppError => new AppError('bad_request', { title });
  const { accounts, log } = start({
    putGroup: () => Promise.resolve(group),
    addUser: () => Promise.reject(new AppErrorList([bad('one'), bad('two')])),
    removeUser: () => Promise.reject(new AppError('not_found', { title: 'nobody' })),
  });
  assert.deepEqual(await accounts.putGroup('Ops', {}), group);
  assert.deepEqual(await refusals(accounts.addUser({})), ['400 one', '400 two']);
  assert.deepEqual(await refusals(accounts.removeUser('x')), ['404 nobody']);
  assert.deepEqual(log.lines, [], 'mistakes of callers are not in the log');
});

test('what nobody planned is an internal error, with its text in the log only', async () => {
  const { accounts, log } = start({ removeUser: () => Promise.reject(new Error('SQL: secret table')) });
  assert.deepEqual(await refusals(accounts.removeUser('x')), ['500 internal error']);
  assert.match(log.lines.join(), /removeUser failed: Error: SQL: secret table/);
});

test('more than 100 changes at a time are refused with 503, until some are made', async () => {
  const ends: (() => void)[] = [];
  const { accounts } = start({ removeUser: () => new Promise((resolve) => ends.push(resolve)) });
  const waiting = Array.from({ length: 100 }, () => accounts.removeUser('x'));
  const [refusal] = await refusals(accounts.removeUser('x'));
  assert.match(String(refusal), /^503/);
  for (const end of ends) end();
  await Promise.all(waiting);
  const next = accounts.removeUser('x');
  await new Promise((resolve) => setImmediate(resolve));
  ends.at(-1)?.();
  await next;
});

test('a change that has begun is finished when the server stops', async () => {
  const { system, clock } = loneSystem();
  const turns = makeTurns(clock);
  const seen: string[] = [];
  const removeUser = () =>
    turns.take(async () => {
      seen.push('begun');
      await new Promise((resolve) => setImmediate(resolve));
      seen.push('finished');
    });
  spawnAccounts(system, {
    accounts: () => ({ removeUser }) as unknown as Accounts,
    turns,
    log: new MemoryLogger(),
  });
  remoteAccounts(system)
    .removeUser('x')
    .catch(() => undefined);
  await new Promise((resolve) => setImmediate(resolve));
  await system.shutdown();
  assert.deepEqual(seen, ['begun', 'finished']);
});
