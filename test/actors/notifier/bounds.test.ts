/** What a receiver that never comes back may cost. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spawnNotifier } from '../../../src/actors/notifier/behavior.js';
import { MOST_DEAD_LETTERS, MOST_PENDING } from '../../../src/actors/notifier/give-up.js';
import { NOTIFIER, type WebhookStatus } from '../../../src/actors/notifier/messages.js';
import { createActorSystem } from '../../../src/actors/runtime/system.js';
import { toWebhooks } from '../../../src/config/values/webhooks.js';
import { clientId } from '../../../src/ids.js';
import { openStore } from '../../../src/store/open.js';
import { systemClock } from '../../../src/time.js';
import { eventually } from '../../support/eventually.js';
import { MemoryLogger } from '../../support/memory-logger.js';
import { tempFolder } from '../../support/temp-folder.js';

/** More than 100 000 rows and some fifty transactions: seconds where the disk is busy with others. */
const PATIENCE_MS = 60_000;

test('the queue and the dead letters of a webhook are bounded; the oldest go, and it is told', async (t) => {
  const log = new MemoryLogger();
  const store = openStore(tempFolder(t), { log });
  const system = createActorSystem({ thread: 0, clock: systemClock, log });
  t.after(async () => {
    await system.shutdown();
    await store.close();
  });
  const list = toWebhooks([
    { url: 'http://127.0.0.1:9/', secret: 'eight-or-more', name: 'dead', retry_delay: '1m' },
  ]);
  const tooMany = 12_000;
  let last: Promise<void> = Promise.resolve();
  for (let number = 0; number < MOST_PENDING + tooMany; number += 1) {
    last = store.webhookQueue.add({
      webhook: 'dead',
      event: number.toString(16).padStart(14, '0'),
      clientId: clientId(`c-${number % 10_000}`),
      type: 'client.connected',
      text: '{}',
      queuedAt: Date.now(),
    });
  }
  await last;
  spawnNotifier(system, { webhooks: { list }, store, log, random: () => 0.5 });
  const status = async (): Promise<WebhookStatus | undefined> =>
    (await system.ask<WebhookStatus[]>(NOTIFIER, { type: 'status' }, { timeoutMs: PATIENCE_MS }))[0];
  const shown = await eventually(
    'the bounds to be kept',
    async () => {
      const now = await status();
      return now !== undefined && now.pending <= MOST_PENDING && now.dead_letters <= MOST_DEAD_LETTERS
        ? now
        : undefined;
    },
    PATIENCE_MS,
  );
  assert.equal(shown.pending + shown.dead_letters + shown.dropped, MOST_PENDING + tooMany);
  assert.ok(shown.dropped >= tooMany - MOST_DEAD_LETTERS);
  const { webhookQueue, webhookDeadLetters } = store;
  const agrees = () =>
    webhookQueue.count('dead') <= MOST_PENDING && webhookDeadLetters.count('dead') <= MOST_DEAD_LETTERS;
  await eventually('the disk to agree', agrees, PATIENCE_MS);
  assert.ok(log.lines.some((line) => line.includes('events given up: more than 100000 events were waiting')));
  assert.ok(log.lines.some((line) => line.includes('dead letters removed')));
});
