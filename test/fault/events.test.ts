/** What streams and webhooks hear of a server that breaks. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { basic } from '../support/api-client.js';
import { EventReader } from '../support/event-reader.js';
import { eventually } from '../support/eventually.js';
import { ADMIN, TestServer } from '../support/server.js';
import { WebhookReceiver } from '../support/webhook-receiver.js';

const headers = { authorization: basic(ADMIN.username, ADMIN.password) };

test('a shard crashes: its clients are told to be gone, and its readers miss nothing', async (t) => {
  const server = await TestServer.start({ probe: true, mayFail: true });
  t.after(() => server.remove());
  const lost: string[] = [];
  const ids = Array.from({ length: 20 }, (_, at) => `agent-${at}`);
  await Promise.all(ids.map((id) => server.agent(id, {}, { onClose: () => lost.push(id) })));
  const readers = await Promise.all(
    Array.from({ length: 20 }, () => EventReader.open(server.apiPort, { headers })),
  );
  t.after(() => {
    for (const reader of readers) reader.socket.terminate();
  });
  const from = server.output.length;
  server.command({ type: 'crash', place: 2 });
  await server.untilLogged(/shard 2 serves again/, from);
  const reader = await eventually('agents and readers of the shard to be cut', () =>
    lost.length > 0 ? readers.find(({ closed }) => closed !== null) : undefined,
  );
  for (const id of lost) {
    // One that stays; others may yet turn out to be cut.
    const { payload } = await eventually(`the end of ${id} to be told`, () =>
      readers
        .filter(({ closed }) => closed === null)
        .flatMap(({ events }) => events)
        .find(({ type, client_id }) => type === 'client.disconnected' && client_id === id),
    );
    assert.equal(payload.cause, 'server_fault');
  }
  const since = reader.hello.last_event_id;
  const back = await EventReader.open(server.apiPort, { headers, query: `?since=${since}` });
  assert.equal(back.hello.replay?.complete, true);
  for (const id of lost) await back.until('client.disconnected', id);
  back.socket.terminate();
});

test('kill -9 in the middle of a rush: whoever is stored was queued for the webhook', async (t) => {
  const receiver = new WebhookReceiver();
  await receiver.start();
  t.after(() => receiver.stop());
  const { url } = receiver;
  await receiver.stop();
  const extra = `[[webhooks]]\nurl = "${url}"\nsecret = "secret-of-the-tests"\nretry_delay = "20ms"\n`;
  const server = await TestServer.start({ mayFail: true, extra });
  t.after(() => server.remove());
  let connected = 0;
  const attempts = Array.from({ length: 150 }, (_, at) =>
    server.agent(`rush-${at}`).then(
      () => {
        connected += 1;
      },
      () => undefined,
    ),
  );
  await eventually('some of them', () => connected > 40);
  await server.kill();
  await Promise.all(attempts);
  await receiver.start();
  await server.startAgain();
  const list = await server.api().get('/clients?page[limit]=500');
  const stored = list.data<{ id: string }[]>().map(({ id }) => id);
  assert.ok(stored.length >= connected);
  await eventually('the queue to be empty', async () => {
    const [webhook] = (await server.api().get('/webhooks')).data<{ pending: number }[]>();
    return webhook?.pending === 0;
  });
  const told = [...new Set(receiver.received.map(({ event }) => event.client_id))];
  assert.deepEqual(told.sort(), stored.sort());
  for (const id of stored) {
    assert.deepEqual(receiver.typesOf(id), ['client.connected', 'client.disconnected'], id);
  }
});
