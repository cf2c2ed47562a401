/** Bounds on disk: what waits, and what was given up. */

import type { QueuedDelivery } from '../../store/webhook-queue.js';
import { type Context, type Hook, nameOf, running, type State } from './behavior.js';

/** Rows one webhook may have waiting, some 600 bytes each: what a fleet of 10 000 leaves in five restarts. */
export const MOST_PENDING = 100_000;
/** Dead letters one webhook may have. */
export const MOST_DEAD_LETTERS = 10_000;
/** Rows given up in one transaction. */
const AT_ONCE = 500;

/** Gives up the oldest rows of a queue that is too long, and removes the oldest of too many dead letters. */
export function trim(ctx: Context, state: State, hook: Hook): void {
  const tooMany = hook.pending - MOST_PENDING;
  const tooManyDead = hook.deadLetters - MOST_DEAD_LETTERS;
  if (hook.burying || (tooMany <= 0 && tooManyDead <= 0)) return;
  hook.burying = true;
  const operation = tooMany > 0 ? giveUpOldest(ctx, state, hook) : removeOldestDead(state, hook, tooManyDead);
  ctx.pipeToSelf(running(state, operation), (outcome) => ({
    type: 'buried',
    webhook: hook.config.id,
    error: outcome.ok ? null : outcome.error,
  }));
}

async function giveUpOldest(ctx: Context, state: State, hook: Hook): Promise<void> {
  const { config, queue } = hook;
  const rows: QueuedDelivery[] = [];
  for (const { read } of state.deps.store.webhookQueue.oldest(config.id)) {
    const row = read();
    if (row === undefined || queue.isUnderWay(row.event, row.clientId)) continue;
    rows.push(row);
    if (rows.length === AT_ONCE) break;
  }
  const reason = `more than ${MOST_PENDING} events were waiting`;
  queue.drop(new Set(rows.map(({ event }) => event)));
  hook.pending -= rows.length;
  hook.deadLetters += rows.length;
  state.deps.log.error(`webhook ${nameOf(config)}: ${rows.length} events given up: ${reason}`);
  await bury(state, rows, reason, ctx.clock.now());
}

async function removeOldestDead(state: State, hook: Hook, number: number): Promise<void> {
  const removed = Math.max(number, Math.min(AT_ONCE, hook.deadLetters));
  hook.deadLetters -= removed;
  hook.dropped += removed;
  state.deps.log.error(`webhook ${nameOf(hook.config)}: ${removed} dead letters removed, there are too many`);
  await state.deps.store.webhookDeadLetters.removeOldest(hook.config.id, removed);
}

/** All that waits for a webhook nobody knows any more. */
export async function buryAll(ctx: Context, state: State, webhook: string, reason: string): Promise<void> {
  const { store, log } = state.deps;
  try {
    let number = 0;
    for (;;) {
      const rows: QueuedDelivery[] = [];
      const unreadable: string[] = [];
      for (const { event, read } of store.webhookQueue.oldest(webhook)) {
        const row = read();
        if (row === undefined) unreadable.push(event);
        else rows.push(row);
        if (rows.length === AT_ONCE) break;
      }
      if (unreadable.length > 0) await store.webhookQueue.remove(webhook, unreadable);
      if (rows.length === 0) break;
      number += rows.length;
      await bury(state, rows, reason, ctx.clock.now());
    }
    const tooMany = store.webhookDeadLetters.count(webhook) - MOST_DEAD_LETTERS;
    if (tooMany > 0) await store.webhookDeadLetters.removeOldest(webhook, tooMany);
    if (number > 0) log.error(`${number} events for a webhook given up: ${reason}`);
  } catch (error) {
    log.error(`webhooks: ${error instanceof Error ? error.message : String(error)}`);
  }
}

const bury = (
  state: State,
  rows: readonly QueuedDelivery[],
  reason: string,
  givenUpAt: number,
): Promise<void> =>
  state.deps.store.webhookDeadLetters.bury(rows.map((row) => ({ ...row, reason, attempts: 0, givenUpAt })));
