/** Tables `webhook_queue` and `webhook_dead_letters`: deliveries that are due, and those that were given up. */

import type { Database } from 'lmdb';
import { clientId } from '../ids.js';
import { committed } from './commit.js';
import { rowFields } from './row-fields.js';
import type { OpenedTables } from './tables.js';
import type { DeadLetter, WebhookDeadLetterRepository } from './webhook-dead-letters.js';
import type { QueuedDelivery, WebhookQueueRepository } from './webhook-queue.js';

/** [webhook, event id] → JSON. */
type Table = Database<string, [string, string]>;

/** Sorts after every id. */
const LAST = '\u{10ffff}';
const rangeOf = (webhook: string) => ({
  start: [webhook] as never,
  end: [webhook, LAST] as [string, string],
});

export function createWebhookQueueRepository({ webhookQueue: table }: OpenedTables): WebhookQueueRepository {
  return {
    async add(delivery) {
      await committed(table.put([delivery.webhook, delivery.event], encode(delivery)));
    },
    *oldest(webhook) {
      table.resetReadTxn();
      for (const { key, value } of table.getRange({ ...rangeOf(webhook), snapshot: false })) {
        const [, event] = key;
        yield { event, read: () => decode(webhook, event, value) };
      }
    },
    async remove(webhook, events) {
      await committed(Promise.all(events.map((event) => table.remove([webhook, event]))));
    },
    count: (webhook) => countOf(table, webhook),
    webhooks: () => webhooksIn(table),
    highest: () => highestIn(table),
  };
}

export function createWebhookDeadLetterRepository({
  webhookQueue: queue,
  webhookDeadLetters: table,
}: OpenedTables): WebhookDeadLetterRepository {
  const read = (webhook: string, event: string, value: string): DeadLetter[] => {
    const letter = decodeLetter(webhook, event, value);
    return letter === undefined ? [] : [letter];
  };
  return {
    async bury(letters) {
      await committed(
        table.transaction(() => {
          for (const letter of letters) {
            queue.remove([letter.webhook, letter.event]);
            table.put([letter.webhook, letter.event], encode(letter));
          }
        }),
      );
    },
    async redeliver(webhook, now, most) {
      let moved = 0;
      await committed(
        table.transaction(() => {
          const rows = [...table.getRange({ ...rangeOf(webhook), limit: most })];
          for (const { key, value } of rows) {
            const letter = decodeLetter(webhook, key[1], value);
            if (letter !== undefined) queue.put(key, encode({ ...strip(letter), queuedAt: now }));
            table.remove(key);
          }
          moved = rows.length;
        }),
      );
      return moved;
    },
    async removeOldest(webhook, number) {
      table.resetReadTxn();
      const keys = [...table.getKeys({ ...rangeOf(webhook), limit: number })];
      await committed(Promise.all(keys.map((key) => table.remove(key))));
    },
    *all({ reverse }) {
      table.resetReadTxn();
      for (const { key, value } of table.getRange({ reverse, snapshot: false })) {
        yield* read(key[0], key[1], value);
      }
    },
    count: (webhook) => countOf(table, webhook),
    total() {
      table.resetReadTxn();
      return table.getCount();
    },
    highest: () => highestIn(table),
  };
}

function countOf(table: Table, webhook: string): number {
  table.resetReadTxn();
  return table.getKeysCount(rangeOf(webhook));
}

/** Jumps from one to the next. */
function webhooksIn(table: Table): string[] {
  table.resetReadTxn();
  const found: string[] = [];
  for (;;) {
    const last = found.at(-1);
    const start = last === undefined ? {} : { start: [last, LAST] as [string, string] };
    const [next] = [...table.getKeys({ ...start, limit: 1 })];
    if (next === undefined) return found;
    found.push(next[0]);
  }
}

function highestIn(table: Table): string | undefined {
  return webhooksIn(table)
    .map((webhook) => [
      ...table.getKeys({ start: [webhook, LAST], end: [webhook] as never, reverse: true, limit: 1 }),
    ])
    .flatMap((keys) => keys.map(([, event]) => event))
    .sort()
    .at(-1);
}

const strip = ({
  webhook,
  event,
  clientId: client,
  type,
  text,
  queuedAt,
}: QueuedDelivery): QueuedDelivery => ({
  webhook,
  event,
  clientId: client,
  type,
  text,
  queuedAt,
});

function encode(row: QueuedDelivery | DeadLetter): string {
  const { webhook: _webhook, event: _event, ...kept } = row;
  return JSON.stringify(kept);
}

function decode(webhook: string, event: string, text: string): QueuedDelivery | undefined {
  const fields = rowFields(text);
  const row = {
    webhook,
    event,
    clientId: clientId(fields.text('clientId')),
    type: fields.text('type'),
    text: fields.text('text'),
    queuedAt: fields.number('queuedAt'),
  };
  return fields.fits ? row : undefined;
}

function decodeLetter(webhook: string, event: string, text: string): DeadLetter | undefined {
  const row = decode(webhook, event, text);
  if (row === undefined) return undefined;
  const fields = rowFields(text);
  const letter = {
    ...row,
    reason: fields.text('reason'),
    attempts: fields.number('attempts'),
    givenUpAt: fields.number('givenUpAt'),
  };
  return fields.fits ? letter : undefined;
}
