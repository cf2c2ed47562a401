import assert from 'node:assert/strict';
import { get } from 'node:http';
import { type TestContext, test } from 'node:test';
import { PortBus } from '../../src/actors/runtime/port-bus.js';
import { createActorSystem } from '../../src/actors/runtime/system.js';
import type { ActorSystem } from '../../src/actors/runtime/types.js';
import type { Logger } from '../../src/logging/logger.js';
import { systemClock } from '../../src/time.js';
import { Supervisor } from '../../src/workers/supervisor.js';
import { RecordedLog } from '../support/actor-system.js';
import { eventually } from '../support/eventually.js';
import { ManualClock } from '../support/manual-clock.js';
import { shardRef, type TestCommand, type TestConfig } from '../support/shard-program.js';

/** A log one can wait for. */
class WatchedLog extends RecordedLog implements Logger {
  readonly level = 'debug';
  readonly #waiting = new Set<() => void>();
  override info(text: string): void {
    super.info(text);
    this.#look();
  }
  override error(text: string): void {
    super.error(text);
    this.#look();
  }
  named(): Logger {
    return this;
  }
  raw(line: string): void {
    this.lines.push(line);
    this.#look();
  }
  /** Resolves once `count` lines match. */
  async until(pattern: RegExp, count = 1): Promise<void> {
    while (this.lines.filter((line) => pattern.test(line)).length < count) {
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }
  #look(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}

interface Fixture {
  readonly system: ActorSystem;
  readonly supervisor: Supervisor;
  readonly clock: ManualClock;
  readonly log: WatchedLog;
  readonly ask: <Reply>(place: number, command: TestCommand) => Promise<Reply>;
}

/** Main with a supervisor whose time stands still; drained at the end of the test. */
function main(t: TestContext, shards: number, config: TestConfig = {}): Fixture {
  const clock = new ManualClock();
  const log = new WatchedLog();
  const bus = new PortBus(log);
  const system = createActorSystem({ thread: 0, clock: systemClock, log, bus });
  const supervisor = new Supervisor({
    shards,
    program: new URL('../support/shard-program.js', import.meta.url),
    config,
    shared: new SharedArrayBuffer(4),
    system,
    bus,
    clock,
    log,
    logLevel: 'debug',
    writeLines: (lines) => {
      for (const line of lines.split('\n')) log.raw(line);
    },
  });
  t.after(() => supervisor.drain(0));
  return {
    system,
    supervisor,
    clock,
    log,
    ask: (place, command) => system.ask(shardRef(place), command, { timeoutMs: 20_000 }),
  };
}

const fetchText = (port: number): Promise<string> =>
  new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part) => {
        text += part;
      });
      response.on('end', () => resolve(text));
    }).on('error', reject);
  });

test('when all shards have started, the first one binds, the others take its port, and all can be asked', async (t) => {
  const { supervisor, ask, system } = main(t, 3);
  const { http } = await supervisor.start();
  assert.ok(http !== undefined && http > 0);
  assert.deepEqual(await Promise.all([1, 2, 3].map((place) => ask(place, 'thread'))), [1, 2, 3]);
  assert.match(await fetchText(http), /^[123]$/);
  const stats = await supervisor.stats();
  assert.deepEqual(
    stats.map(({ place, program, actors }) => ({ place, program, actors: actors.actors })),
    [1, 2, 3].map((place) => ({
      place,
      program: { listening: true, startedBeforeListening: 3 },
      actors: { shard: 1 },
    })),
  );
  assert.equal(await supervisor.drain(1_000), true);
  assert.deepEqual(await supervisor.stats(), []);
  // What a thread has sent last may still be on its way when it has ended.
  await eventually('the actors of the shard to be forgotten', () => system.locate(shardRef(1)) === undefined);
  await assert.rejects(fetchText(http), { code: 'ECONNREFUSED' });
});

for (const how of ['throw', 'reject'] as const) {
  test(`a shard that crashes (${how}) is replaced at once, while the other one goes on`, async (t) => {
    const { supervisor, ask, system, clock, log } = main(t, 2);
    const { http = 0 } = await supervisor.start();
    const pending = assert.rejects(ask(1, 'never answer'), { code: 'stopped' });
    const lost = new Promise<number>((resolve) => {
      system.onThreadLost((thread) => {
        assert.equal(system.locate(shardRef(1)), undefined);
        resolve(thread);
      });
    });
    system.tell(shardRef(1), how);
    assert.equal(await lost, 1);
    await pending;
    assert.equal(await ask(2, 'thread'), 2);
    assert.equal(await fetchText(http), '2');

    await log.until(/shard 1 is restarted at once/);
    clock.advance(0);
    await log.until(/shard 1 serves again/);
    assert.equal(await ask(1, 'thread'), 3);
    assert.equal(supervisor.ports.http, http);
    assert.match(log.lines.join('\n'), /error: shard 1 crashed: Error: boom in a/);
    // The survivor and the newcomer know each other, too: both are in the newcomer's way of greeting.
    assert.deepEqual(
      (await supervisor.stats()).map(({ thread }) => thread),
      [3, 2],
    );
  });
}

test('a shard that keeps failing is restarted at growing intervals; a healthy minute resets them', async (t) => {
  const { supervisor, ask, system, clock, log } = main(t, 1, { failingThreads: [2, 3] });
  await supervisor.start();
  system.tell(shardRef(1), 'throw');
  await log.until(/is restarted at once/);
  clock.advance(0);
  await log.until(/is restarted in 1 s/);
  clock.advance(1_000);
  await log.until(/is restarted in 2 s/);
  clock.advance(1_999);
  assert.equal(log.lines.filter((line) => /cannot start: told to fail/.test(line)).length, 2);
  clock.advance(1);
  await log.until(/serves again/);
  assert.equal(await ask(1, 'thread'), 4);

  clock.advance(60_000);
  system.tell(shardRef(1), 'throw');
  await log.until(/is restarted at once/, 2);
  clock.advance(0);
  await log.until(/serves again/, 2);
  assert.equal(await ask(1, 'thread'), 5);
});

test('when a shard cannot start at the beginning, start fails with its reason and no thread is left', async (t) => {
  const { supervisor } = main(t, 2, { failingThreads: [2] });
  await assert.rejects(supervisor.start(), /told to fail/);
  assert.deepEqual(await supervisor.stats(), []);
  assert.equal(await supervisor.drain(0), true);
});

test('drain stops the actors of every shard; a second drain is the first', async (t) => {
  const { supervisor, log } = main(t, 2);
  await supervisor.start();
  const first = supervisor.drain(1_000);
  assert.equal(supervisor.drain(5), first);
  assert.equal(await first, true);
  await log.until(/actor of shard 1 stopped/);
  await log.until(/actor of shard 2 stopped/);
  assert.doesNotMatch(log.lines.join('\n'), /unexpectedly|restarted/);
});

test('a shard that does not finish draining is closed after its time', async (t) => {
  const { supervisor, clock, log } = main(t, 2, { undrainableThreads: [2] });
  await supervisor.start();
  const drained = supervisor.drain(10_000);
  await log.until(/actor of shard 1 stopped/);
  clock.advance(16_000);
  assert.equal(await drained, true);
  assert.match(log.lines.join('\n'), /shard 2 did not drain in time/);
});

test('a drain during the back-off restarts nothing', async (t) => {
  const { supervisor, system, clock, log } = main(t, 1);
  await supervisor.start();
  system.tell(shardRef(1), 'throw');
  await log.until(/is restarted at once/);
  assert.equal(await supervisor.drain(0), true);
  clock.advance(60_000);
  assert.deepEqual(await supervisor.stats(), []);
});

test('log lines of a shard come to main, a reload reaches every shard', async (t) => {
  const { supervisor, ask, log } = main(t, 2);
  await supervisor.start();
  await ask(2, 'log');
  await log.until(/info: hello from a shard/);
  await supervisor.reload({ failingThreads: [77] }, 'info');
  assert.deepEqual(await ask(1, 'config'), { failingThreads: [77] });
  assert.deepEqual(await ask(2, 'config'), { failingThreads: [77] });
});
