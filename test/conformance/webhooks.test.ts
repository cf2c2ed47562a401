/** Webhooks against a receiver: what is sent, what happens when it fails, and what survives. Two shards. */

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { eventually } from '../support/eventually.js';
import { TestServer } from '../support/server.js';
import { isSigned, ok, status, WebhookReceiver } from '../support/webhook-receiver.js';

const SECRET = 'secret-of-the-tests';
/** The receiver lives in this process, which may be held up for a moment: it must not be late by that. */
const TIMEOUT = '2s';

interface Shown {
  readonly id: number;
  readonly name: string;
  readonly url: string;
  readonly state: string;
  readonly pending: number;
  readonly dead_letters: number;
  readonly last_failure: string;
  readonly last_success_at: string | null;
}

let server: TestServer;
let receiver: WebhookReceiver;
const other = new WebhookReceiver();

const hook = (url: string, more = ''): string =>
  `[[webhooks]]\nurl = "${url}"\nsecret = "${SECRET}"\nretry_delay = "20ms"\ntimeout = "${TIMEOUT}"\n${more}\n`;

const shown = async (): Promise<readonly Shown[]> => (await server.api().get('/webhooks')).data<Shown[]>();
const first = async (): Promise<Shown> => {
  const [webhook] = await shown();
  assert.ok(webhook);
  return webhook;
};

const settled = (): Promise<true> =>
  eventually('nothing to be pending', async () => (await first()).pending === 0 || undefined);

/** A client that comes and goes. */
async function visit(id: string): Promise<void> {
  const agent = await server.agent(id);
  agent.destroy();
  await eventually(`${id} to be gone`, async () => {
    const { text } = await server.api().get(`/clients/${id}?fields[clients]=connection_state`);
    return text.includes('"disconnected"');
  });
}

async function use(extra: string): Promise<void> {
  assert.match(await server.reload({ extra }), /reloaded/);
}

before(async () => {
  receiver = new WebhookReceiver();
  await receiver.start();
  await other.start();
  server = await TestServer.start({ extra: hook(receiver.url) });
});
after(async () => {
  await server?.remove();
  await receiver?.stop();
  await other.stop();
});
beforeEach(() => {
  receiver.answer = ok;
  receiver.received.length = 0;
  receiver.mostOfOneClient = 0;
});
afterEach(() => settled());

test('an event comes as a signed POST, once, in the order of its client', async () => {
  await visit('w1');
  await eventually('both', () => receiver.idsOf('w1').length === 2);
  const [request] = receiver.of('w1');
  assert.ok(request);
  assert.equal(request.url, '/hook');
  assert.equal(request.headers['content-type'], 'application/json');
  assert.equal(request.headers['x-tideway-event'], 'client.connected');
  assert.equal(request.headers['x-tideway-delivery'], request.event.id);
  assert.ok(Math.abs(Number(request.headers['x-tideway-timestamp']) - Date.now() / 1000) < 60);
  assert.ok(isSigned(request, SECRET));
  assert.ok(!isSigned(request, 'another secret'));
  assert.deepEqual(receiver.typesOf('w1'), ['client.connected', 'client.disconnected']);
  await settled();
  assert.equal(receiver.of('w1').length, 2);
  const webhook = await first();
  assert.equal(webhook.state, 'idle');
  assert.equal(webhook.url, receiver.url);
  assert.ok(webhook.last_success_at !== null);
});

test('what fails is tried again, with the next event of the client behind it', async () => {
  let failures = 0;
  receiver.answer = (received, response) => {
    failures += 1;
    (failures <= 4 ? status(failures % 2 === 0 ? 500 : 404) : ok)(received, response);
  };
  await visit('w2');
  await eventually('both', () => receiver.typesOf('w2').length === 2);
  await settled();
  const requests = receiver.of('w2').map(({ event }) => event.type);
  assert.deepEqual(requests, [...Array(5).fill('client.connected'), 'client.disconnected']);
  assert.equal(new Set(receiver.of('w2').map(({ headers }) => headers['x-tideway-delivery'])).size, 2);
  assert.equal(receiver.mostOfOneClient, 1);
});

test('Retry-After is heeded', async () => {
  const times: number[] = [];
  receiver.answer = (received, response) => {
    times.push(Date.now());
    (times.length === 1 ? status(503, { 'retry-after': '1' }) : ok)(received, response);
  };
  await server.agent('w3');
  await eventually('the second try', () => times.length === 2);
  const [one = 0, two = 0] = times;
  assert.ok(two - one >= 950, `${two - one} ms`);
});

test('a receiver that is down misses nothing, in order, and holds nobody up', async () => {
  await receiver.stop();
  const clients = Array.from({ length: 20 }, (_, index) => `down-${index}`);
  await Promise.all(clients.map((id) => visit(id)));
  // The notifier hears of an event a moment after it was stored.
  const failing = await eventually('all of it to wait', async () => {
    const now = await first();
    return now.state === 'failing' && now.pending === 40 && now;
  });
  assert.match(failing.last_failure, /ECONNREFUSED/);
  await receiver.start();
  await settled();
  for (const id of clients) {
    assert.deepEqual(receiver.typesOf(id), ['client.connected', 'client.disconnected'], id);
    const ids = receiver.idsOf(id);
    assert.deepEqual(ids, [...ids].sort());
  }
  assert.equal(receiver.mostOfOneClient, 1);
  await server.untilLogged(/webhook \S+ works again/);
});

test('kill -9 loses nothing: what was waiting, and what the crash itself ended', async () => {
  await receiver.stop();
  const agent = await server.agent('crash');
  await server.untilKnown('crash');
  const answer = await server.api().put('/clients/crash/tunnels?remote=127.0.0.1:9&check_port=0');
  assert.equal(answer.status, 200);
  await server.kill();
  agent.destroy();
  await receiver.start();
  await server.startAgain();
  await eventually('all of it', () => receiver.typesOf('crash').length === 4);
  assert.deepEqual(receiver.typesOf('crash'), [
    'client.connected',
    'tunnel.opened',
    'tunnel.closed',
    'client.disconnected',
  ]);
  const last = JSON.parse(receiver.of('crash').at(-1)?.body ?? '{}') as { payload: { cause: string } };
  assert.equal(last.payload.cause, 'server_restarted');
  const ids = receiver.idsOf('crash');
  assert.deepEqual(ids, [...ids].sort());
});

test('an orderly stop is told, too', async () => {
  await server.agent('stopped');
  const { code } = await server.stop();
  assert.equal(code, 0);
  await server.startAgain();
  await eventually('the end', () => receiver.typesOf('stopped').length === 2);
  const last = JSON.parse(receiver.of('stopped').at(-1)?.body ?? '{}') as { payload: { cause: string } };
  assert.equal(last.payload.cause, 'server_stopped');
});

test('a receiver that never answers, one that never ends, and one that points elsewhere', async () => {
  const hostile = [
    () => undefined,
    (_received: unknown, response: import('node:http').ServerResponse) => {
      response.writeHead(500);
      const more = (): void => {
        if (!response.destroyed && response.write('x'.repeat(4096))) setImmediate(more);
        else if (!response.destroyed) response.once('drain', more);
      };
      more();
    },
    status(307, { location: other.url }),
    status(302, { location: other.url }),
  ];
  let asked = 0;
  receiver.answer = (received, response) => {
    const act = hostile[asked] ?? ok;
    asked += 1;
    act(received, response);
  };
  await server.agent('hostile');
  await eventually('it to give in', () => asked > hostile.length);
  await settled();
  assert.deepEqual(other.received, []);
  assert.equal(receiver.of('hostile').length, hostile.length + 1);
});

test('an endless answer of a receiver that takes the event does not last', async () => {
  receiver.answer = (_received, response) => {
    response.writeHead(200);
    const more = (): void => {
      if (!response.destroyed && response.write('x'.repeat(4096))) setImmediate(more);
      else if (!response.destroyed) response.once('drain', more);
    };
    more();
  };
  await server.agent('endless');
  await eventually('the event', () => receiver.of('endless').length === 1);
  await settled();
  assert.equal(receiver.of('endless').length, 1);
});

test('410 and old age end in the dead letters, which can be given another try', async () => {
  await use(hook(receiver.url, 'max_age = "1s"'));
  receiver.answer = (received, response) =>
    (received.event.type === 'client.connected' ? status(410) : status(500))(received, response);
  await visit('dead');
  await eventually('both to be given up', async () => (await first()).dead_letters === 2);
  interface Letter {
    readonly client_id: string;
    readonly reason: string;
    readonly attempts: number;
    readonly event: { readonly type: string };
  }
  const list = await server.api().get('/webhooks/dead-letters?page[limit]=1&sort=event_id');
  assert.equal(list.count, 2);
  const [letter] = list.data<Letter[]>();
  assert.equal(letter?.client_id, 'dead');
  assert.equal(letter?.reason, 'answered 410');
  assert.equal(letter?.attempts, 1);
  assert.equal(letter?.event.type, 'client.connected');
  const filtered = await server.api().get('/webhooks/dead-letters?filter[type]=client.disconnected');
  assert.match(filtered.data<Letter[]>()[0]?.reason ?? '', /^too old: answered 500/);
  await server.untilLogged(/event [0-9a-f]{14} given up after 1 attempts: answered 410/);

  receiver.answer = ok;
  receiver.received.length = 0;
  const again = await server.api().post('/webhooks/1/redeliver');
  assert.deepEqual(again.data<{ queued: number }>(), { queued: 2 });
  await settled();
  assert.deepEqual(receiver.typesOf('dead'), ['client.connected', 'client.disconnected']);
  assert.equal((await first()).dead_letters, 0);
  assert.equal(
    (await server.api().post('/webhooks/2/redeliver')).refusal,
    '404 Webhook with id=2 not found.',
  );
  assert.equal((await server.api().post('/webhooks/x/redeliver')).status, 404);
});

test('a bad event of one client does not stop the others', async () => {
  await use(hook(receiver.url));
  receiver.answer = (received, response) =>
    (received.event.client_id === 'bad' ? status(400) : ok)(received, response);
  await server.agent('bad');
  for (let index = 0; index < 5; index += 1) await visit(`good-${index}`);
  await eventually('the others', () =>
    [0, 1, 2, 3, 4].every((index) => receiver.typesOf(`good-${index}`).length === 2),
  );
  await eventually('only the bad one to wait', async () => (await first()).pending === 1);
  receiver.answer = ok;
});

test('a reload changes webhooks at once; what waited for one that is gone is kept as dead letters', async () => {
  const wanted = 'name = "second"\nevents = ["client.dis*"]\n[webhooks.headers]\nX-Team = "night shift"';
  await use(hook(receiver.url) + hook(`${other.url}?key=hidden`, wanted));
  other.received.length = 0;
  await visit('two');
  await eventually(
    'both receivers',
    () => receiver.idsOf('two').length === 2 && other.idsOf('two').length === 1,
  );
  assert.deepEqual(other.typesOf('two'), ['client.disconnected']);
  assert.equal(other.received[0]?.headers['x-team'], 'night shift');
  const [, second] = await shown();
  assert.equal(second?.name, 'second');
  assert.equal(second?.url, `${other.url}?***`);

  other.answer = status(500);
  await visit('left');
  await eventually('it to fail', async () => (await shown())[1]?.state === 'failing');
  await use(hook(receiver.url));
  await visit('later');
  const letters = await eventually('the dead letter', async () => {
    const list = await server.api().get('/webhooks/dead-letters?filter[webhook]=second');
    return list.count === 1 ? list.data<{ client_id: string; reason: string }[]>() : undefined;
  });
  assert.equal(letters[0]?.client_id, 'left');
  assert.equal(letters[0]?.reason, 'the webhook is not configured any more');
  assert.deepEqual(other.of('later'), []);
});

test('credentials in the address are sent, and shown nowhere', async () => {
  const secret = 'hunter2-in-url';
  await use(hook(receiver.url.replace('http://', `http://hooks:${secret}@`)));
  receiver.answer = status(500);
  await server.agent('masked');
  await eventually('it to fail', async () => (await first()).state === 'failing');
  assert.match((await first()).url, /^http:\/\/\*\*\*@127/);
  receiver.answer = ok;
  await settled();
  const expected = `Basic ${Buffer.from(`hooks:${secret}`).toString('base64')}`;
  assert.equal(receiver.of('masked')[0]?.headers.authorization, expected);
  assert.ok(!server.output.includes(secret));
  assert.ok(!server.output.includes(SECRET));
});

test('connections are used again', async () => {
  const before = receiver.connections;
  for (let index = 0; index < 6; index += 1) await visit(`reuse-${index}`);
  await settled();
  assert.ok(receiver.connections - before <= 8, `${receiver.connections - before} connections`);
});
