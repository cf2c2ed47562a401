import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { spawnNameWatch } from '../../../src/actors/name-watch/behavior.js';
import { loneSystem } from '../../support/actor-system.js';
import { MemoryLogger } from '../../support/memory-logger.js';

const turn = () => new Promise(setImmediate);

function world(test: TestContext) {
  const { system, clock } = loneSystem();
  test.after(() => system.shutdown());
  const log = new MemoryLogger();
  const lookedUp: string[] = [];
  const holders = { sessions: ['ada', 'bob'], apiTokens: ['bob', 'carl'] };
  let find = async (): Promise<number | null> => 0;
  spawnNameWatch(system, {
    store: {
      sessions: { usernames: () => holders.sessions },
      apiTokens: { usernames: () => holders.apiTokens },
    },
    tenureOf(username) {
      lookedUp.push(username);
      return find();
    },
    log,
  });
  return {
    system,
    log,
    holders,
    lookedUp,
    findBy(way: typeof find): void {
      find = way;
    },
    async pass(ms: number): Promise<void> {
      clock.advance(ms);
      for (let count = 0; count < 10; count += 1) await turn();
    },
  };
}

test('who has sessions or tokens is looked up at the start and once a minute', async (context) => {
  const { lookedUp, holders, pass } = world(context);
  await pass(0);
  assert.deepEqual(lookedUp.splice(0), ['ada', 'bob', 'carl']);
  await pass(59_999);
  assert.deepEqual(lookedUp, []);
  holders.sessions = [];
  await pass(1);
  assert.deepEqual(lookedUp, ['bob', 'carl']);
});

test('users that cannot be read are looked up again a minute later', async (context) => {
  const { lookedUp, log, findBy, pass } = world(context);
  findBy(() => Promise.reject(new Error('no database')));
  await pass(0);
  assert.deepEqual(lookedUp.splice(0), ['ada']);
  assert.match(log.lines.join('\n'), /users with sessions and API tokens cannot be looked up: no database/);
  findBy(async () => null);
  await pass(60_000);
  assert.deepEqual(lookedUp, ['ada', 'bob', 'carl']);
});

test('a stop waits for the look under way, and nothing is looked up behind it', async (context) => {
  const { system, lookedUp, findBy, pass } = world(context);
  let answer: (tenure: number) => void = () => undefined;
  findBy(() => new Promise((resolve) => (answer = resolve)));
  await pass(0);
  let ended = false;
  const stopping = system.shutdown().then(() => (ended = true));
  await pass(0);
  assert.equal(ended, false);
  answer(0);
  await stopping;
  assert.deepEqual(lookedUp, ['ada']);
});
