/** Codes by Pushover and by URL, over real HTTP. Spec 02 §8.1 and §24.6. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../../src/errors.js';
import { deliveryOf, failure, message } from '../support/code-delivery.js';
import { formReceiver } from '../support/form-receiver.js';
import { freePorts } from '../support/free-ports.js';

const TOKEN = 'a'.repeat(30);
const USER = 'u'.repeat(29).concat('1');
const pushoverOf = (pushoverUrl: string, more: { readonly timeout?: number; readonly token?: string } = {}) =>
  deliveryOf({
    api: { twoFaTokenDelivery: 'pushover', twoFaSendTimeout: more.timeout ?? 20_000 },
    pushover: { apiToken: more.token ?? TOKEN, userKey: USER },
    pushoverUrl,
  });
const urlOf = (twoFaTokenDelivery: string, timeout = 20_000) =>
  deliveryOf({
    api: { twoFaTokenDelivery, twoFaSendTimeout: timeout, baseUrl: 'https://tideway.example.com' },
  });
/** Where nobody listens, and nobody who asks for any port begins to. */
const closedUrl = async (): Promise<string> => `http://127.0.0.1:${(await freePorts(1))[0]}`;

async function refusal(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'ok';
  } catch (error) {
    return error instanceof AppError ? `${error.status} ${error.title}` : (error as Error).message;
  }
}

test('a Pushover message has the code in bold, who asked for it and how long it is good', async (t) => {
  const receiver = await formReceiver(t);
  receiver.answer((response) => response.end('{"status":1,"request":"r"}'));
  const delivery = pushoverOf(receiver.url);
  assert.equal(delivery.method, 'pushover');
  await delivery.send(message({ receiver: USER }));
  const { method, path, fields } = receiver.last();
  assert.deepEqual([method, path], ['POST', '/1/messages.json']);
  assert.deepEqual(Object.keys(fields).sort(), [
    'html',
    'message',
    'priority',
    'timestamp',
    'title',
    'token',
    'user',
  ]);
  assert.deepEqual([fields.token, fields.user, fields.html, fields.priority], [TOKEN, USER, '1', '0']);
  assert.match(fields.timestamp ?? '', /^\d{10}$/);
  for (const phrase of ['<b>aB3dE6</b>', 'requested from 127.0.0.1', 'with Go', 'valid for 100 seconds']) {
    assert.ok(fields.message?.includes(phrase), phrase);
  }
});

test('a user agent adds no markup to a Pushover message, and does not make it too long', async (t) => {
  const receiver = await formReceiver(t);
  receiver.answer((response) => response.end('{"status":1}'));
  const userAgent = `<a href="https://evil.example">Log in</a>&\r\n${'<'.repeat(5_000)}`;
  await pushoverOf(receiver.url).send(message({ receiver: USER, userAgent }));
  const text = receiver.last().fields.message ?? '';
  assert.ok(text.includes('&lt;a href=&quot;https://evil.example&quot;&gt;Log in&lt;/a&gt;&amp; &lt;'));
  assert.deepEqual(text.match(/<[^>]*>/g), ['<b>', '</b>', '<i>', '</i>', '<i>', '</i>']);
  assert.ok(text.length <= 1_024);
});

test('what Pushover refuses is 400 with its text, what it cannot do is 503', async (t) => {
  const receiver = await formReceiver(t);
  const delivery = pushoverOf(receiver.url);
  const send = (): Promise<string> => refusal(delivery.send(message({ receiver: USER })));
  receiver.answer((response) => {
    response.writeHead(400).end('{"status":0,"errors":["user identifier is invalid","second"]}');
  });
  assert.equal(await send(), '400 user identifier is invalid; second');
  receiver.answer((response) => response.writeHead(503).end('<html>'));
  assert.equal(await send(), '503 pushover service unavailable');
  receiver.answer((response) => response.end('{"status":0}'));
  assert.equal(await send(), 'failed to send msg, pushover response: 200 OK');
  receiver.answer((response) => response.end('what?'));
  assert.match(await send(), /^failed to send msg/);
  receiver.answer((response) => response.writeHead(302, { location: `${receiver.url}/elsewhere` }).end());
  assert.match(await send(), /302 Found/);
  assert.ok(receiver.forms.every(({ path }) => path === '/1/messages.json'));
});

test('keys that cannot be any are not sent anywhere', async (t) => {
  const receiver = await formReceiver(t);
  const delivery = pushoverOf(receiver.url);
  for (const user of ['short', `${USER}x`, `${USER.slice(1)}!`]) {
    assert.equal(
      await refusal(delivery.send(message({ receiver: user }))),
      '400 pushover: invalid recipient token',
    );
  }
  assert.equal(
    await refusal(pushoverOf(receiver.url, { token: 'x' }).send(message({ receiver: USER }))),
    '400 pushover: invalid API token',
  );
  assert.deepEqual(receiver.forms, []);
});

test('Pushover is asked about a receiver, and about the configured user at start', async (t) => {
  const receiver = await formReceiver(t);
  const delivery = pushoverOf(receiver.url);
  receiver.answer((response) => response.end('{"status":1}'));
  await delivery.checkReceiver(USER);
  assert.equal(receiver.last().path, '/1/users/validate.json');
  assert.deepEqual(receiver.last().fields, { token: TOKEN, user: USER });
  await delivery.checkReady();
  receiver.answer((response) => response.writeHead(400).end('{"status":0,"errors":["user key is invalid"]}'));
  assert.equal(
    await failure(delivery.checkReceiver(USER)),
    'failed to validate pushover user key: user key is invalid',
  );
  assert.equal(
    await failure(delivery.checkReady()),
    'invalid pushover.api_token and pushover.user_key: failed to validate pushover user key: user key is invalid',
  );
  assert.equal(await failure(delivery.checkReceiver('')), 'pushover user key cannot be empty');
  const gone = pushoverOf(await closedUrl());
  assert.match(await failure(gone.checkReady()), /^invalid pushover\.api_token and .*ECONNREFUSED/);
  for (const text of [await failure(gone.checkReady()), await failure(delivery.checkReady())]) {
    assert.ok(!text.includes(TOKEN) && !text.includes(USER));
  }
});

test('a URL gets a form with six fields', async (t) => {
  const receiver = await formReceiver(t);
  const delivery = urlOf(`${receiver.url}/2fa?tenant=a`);
  assert.equal(delivery.method, 'url');
  await delivery.checkReady();
  await delivery.send(message({ ttlSeconds: 600 }));
  const { method, path, headers, fields } = receiver.last();
  assert.deepEqual([method, path], ['POST', '/2fa?tenant=a']);
  assert.match(headers['content-type'] ?? '', /^application\/x-www-form-urlencoded/);
  assert.deepEqual(fields, {
    email: 'anna@example.org',
    token: 'aB3dE6',
    ttl: '600',
    user_agent: 'Go',
    remote_address: '127.0.0.1',
    url: 'https://tideway.example.com',
  });
});

test('credentials in a URL are sent as HTTP Basic and appear in no error', async (t) => {
  const receiver = await formReceiver(t);
  const address = receiver.url.replace('http://', 'http://us%40er:s3cr%3At@');
  const delivery = urlOf(address);
  await delivery.send(message());
  const expected = Buffer.from('us@er:s3cr:t').toString('base64');
  assert.equal(receiver.last().headers.authorization, `Basic ${expected}`);
  receiver.answer((response) => response.writeHead(403).end());
  assert.equal(await failure(delivery.send(message())), '403 Forbidden');
  const gone = await failure(
    urlOf((await closedUrl()).replace('//', '//user:s3cret@').concat('/?key=s3cret')).send(message()),
  );
  assert.match(gone, /ECONNREFUSED/);
  assert.ok(!gone.includes('s3cret'));
});

test('any status but 2xx is a failure, and redirects are not followed', async (t) => {
  const receiver = await formReceiver(t);
  const delivery = urlOf(receiver.url);
  for (const status of [201, 204, 299]) {
    receiver.answer((response) => response.writeHead(status, 'Fine').end());
    await delivery.send(message());
  }
  receiver.answer((response) => response.writeHead(404).end('page'));
  assert.equal(await failure(delivery.send(message())), '404 Not Found');
  for (const status of [301, 302, 303, 307, 308]) {
    receiver.answer((response) => response.writeHead(status, { location: '/stolen' }).end());
    assert.match(await failure(delivery.send(message())), new RegExp(`^${status} `));
  }
  assert.ok(receiver.forms.every(({ path }) => path === '/'));
});

test('services that do not answer, or answer for ever, are given up', { timeout: 30_000 }, async (t) => {
  const receiver = await formReceiver(t);
  receiver.answer(() => undefined);
  assert.equal(await failure(urlOf(receiver.url, 200).send(message())), 'context deadline exceeded');
  assert.equal(
    await failure(pushoverOf(receiver.url, { timeout: 200 }).send(message({ receiver: USER }))),
    'context deadline exceeded',
  );
  receiver.answer((response) => {
    const endless = (): void => {
      while (!response.destroyed && response.write('x'.repeat(16_384)));
      if (!response.destroyed) response.once('drain', endless);
    };
    endless();
  });
  await urlOf(receiver.url).send(message());
});

test('receivers of a URL are addresses', async () => {
  const delivery = urlOf('http://127.0.0.1:1');
  await delivery.checkReceiver('anna@example.org');
  assert.equal(await failure(delivery.checkReceiver('')), 'email cannot be empty');
  assert.equal(await failure(delivery.checkReceiver('anna')), 'invalid email format');
});

test('a hung service does not take everything', async (t) => {
  const receiver = await formReceiver(t);
  receiver.answer(() => undefined);
  const delivery = urlOf(receiver.url, 1_000);
  const sends = Array.from({ length: 110 }, () => refusal(delivery.send(message())));
  const refused = (await Promise.all(sends)).filter((text) => text.startsWith('503 '));
  assert.equal(refused.length, 10);
});
