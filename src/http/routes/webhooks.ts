/** How the configured webhooks are doing. Not in the reference. */

import Type from 'typebox';
import { Turns } from '../../clients/in-turns.js';
import { AppError } from '../../errors.js';
import { eventSchema } from '../../events/event-types.js';
import { goQuote } from '../../go/quote.js';
import { listStored, type StoredColumns, type StoredTable } from '../../query/stored.js';
import type { ListSupport } from '../../query/types.js';
import { readListOptions } from '../../query/validate.js';
import type { DeadLetter, WebhookDeadLetterRepository } from '../../store/webhook-dead-letters.js';
import { instant } from '../../time.js';
import { listParameters } from '../list-parameters.js';
import type { Access, Route } from '../route.js';

const TAG = 'Events';
const adminOnly: Access = { kind: 'user', admin: true };
const time = Type.Union([Type.String({ format: 'date-time' }), Type.Null()]);

const webhookSchema = Type.Object(
  {
    id: Type.Integer({ description: 'Place in the configuration, from 1' }),
    name: Type.String(),
    url: Type.String({ description: 'Without credentials and query' }),
    events: Type.Array(Type.String()),
    state: Type.Union(['idle', 'delivering', 'failing'].map((state) => Type.Literal(state))),
    pending: Type.Integer({ description: 'Events that wait, or are under way' }),
    dead_letters: Type.Integer({ description: 'Events given up' }),
    dropped: Type.Integer({
      description: 'Dead letters removed since the start, because there were too many',
    }),
    last_success_at: time,
    last_failure_at: time,
    last_failure: Type.String(),
  },
  { $id: 'Webhook' },
);

const deadLetterSchema = Type.Object(
  {
    webhook: Type.String({ description: 'Its name, or what stands for its address' }),
    event_id: Type.String(),
    type: Type.String(),
    client_id: Type.String(),
    reason: Type.String(),
    attempts: Type.Integer({ description: 'Since the server started' }),
    queued_at: Type.String({ format: 'date-time' }),
    given_up_at: Type.String({ format: 'date-time' }),
    event: eventSchema,
  },
  { $id: 'WebhookDeadLetter' },
);

const columns: StoredColumns<DeadLetter> = {
  webhook: { kind: 'text', read: (row) => row.webhook },
  event_id: { kind: 'text', read: (row) => row.event },
  type: { kind: 'text', read: (row) => row.type },
  client_id: { kind: 'text', read: (row) => row.clientId },
  given_up_at: { kind: 'instant', read: (row) => instant(row.givenUpAt) },
};
const names = Object.keys(columns);
const listSupport: ListSupport = {
  sorts: names,
  filters: names,
  page: { defaultLimit: 50, maxLimit: 500 },
};
const turns = new Turns();

const listWebhooks: Route = {
  method: 'GET',
  path: '/webhooks',
  access: adminOnly,
  docs: { tag: TAG, summary: 'Show the configured webhooks and how they are doing' },
  responses: { 200: Type.Array(webhookSchema) },
  async handler(_request, { webhooks }) {
    return { status: 200, data: await webhooks.status() };
  },
};

const listDeadLetters: Route = {
  method: 'GET',
  path: '/webhooks/dead-letters',
  access: adminOnly,
  docs: {
    tag: TAG,
    summary: 'List the events that could not be delivered',
    description: 'Sorted by webhook and event unless asked otherwise.',
    query: listParameters(listSupport),
    errors: { 400: 'Unsupported sort or filter, or a page out of range' },
  },
  responses: { 200: Type.Array(deadLetterSchema) },
  async handler({ query }, { store }) {
    const options = readListOptions(query, listSupport);
    const table = tableOf(store.webhookDeadLetters);
    const { items, count } = await turns.run(() => listStored(table, options));
    return { status: 200, data: items.map(shown), meta: { count } };
  },
};

const redeliver: Route = {
  method: 'POST',
  path: '/webhooks/{webhook_id}/redeliver',
  access: adminOnly,
  docs: {
    tag: TAG,
    summary: 'Give the dead letters of a webhook another try',
    errors: { 404: 'There is no webhook of that number' },
  },
  audit: { application: 'webhook', action: 'redeliver' },
  responses: {
    200: Type.Object({ queued: Type.Integer({ description: 'Events that wait again' }) }),
  },
  async handler({ params }, { webhooks }) {
    const { webhook_id: id = '' } = params;
    if (!/^[1-9]\d{0,3}$/.test(id)) {
      throw new AppError('not_found', { title: `Webhook with id=${goQuote(id)} not found.` });
    }
    const queued = await webhooks.redeliver(Number(id));
    return { status: 200, data: { queued }, audit: { affectedId: id, response: { queued } } };
  },
};

export const webhookRoutes: readonly Route[] = [listWebhooks, listDeadLetters, redeliver];

const tableOf = (letters: WebhookDeadLetterRepository): StoredTable<DeadLetter> => ({
  columns,
  scan({ reverse, offset = 0, limit = Number.POSITIVE_INFINITY }) {
    return part(letters.all({ reverse }), offset, limit);
  },
  count: () => letters.total(),
});

function* part<Row>(rows: Iterable<Row>, offset: number, limit: number): Iterable<Row> {
  let at = 0;
  for (const row of rows) {
    if (at >= offset + limit) return;
    if (at >= offset) yield row;
    at += 1;
  }
}

const shown = (row: DeadLetter): object => ({
  webhook: row.webhook,
  event_id: row.event,
  type: row.type,
  client_id: row.clientId,
  reason: row.reason,
  attempts: row.attempts,
  queued_at: instant(row.queuedAt),
  given_up_at: instant(row.givenUpAt),
  event: JSON.parse(row.text) as unknown,
});
