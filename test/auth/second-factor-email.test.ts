/** Codes by mail, through a real mail server. Spec 02 §8.1 and §24.6, 06 §11. */

import assert from 'node:assert/strict';
import { createServer, type Socket } from 'node:net';
import { platform } from 'node:os';
import { test } from 'node:test';
import type { SMTPServerOptions } from 'smtp-server';
import { deliveryOf, failure, message } from '../support/code-delivery.js';
import { mailReceiver } from '../support/mail-receiver.js';
import { testCertificate, testPrivateKey } from '../support/test-certificate.js';

const api = { twoFaTokenDelivery: 'smtp' };
const tls = { key: testPrivateKey, cert: testCertificate };
const login: SMTPServerOptions = {
  disabledCommands: [],
  authMethods: ['PLAIN', 'LOGIN'],
  authOptional: false,
  allowInsecureAuth: true,
  onAuth(auth, _session, callback) {
    const right = auth.method === 'PLAIN' && auth.username === 'sender' && auth.password === 'smtp-s3cret';
    if (right) callback(null, { user: 'sender' });
    else callback(new Error('Invalid username or password'));
  },
};
const credentials = { authUsername: 'sender', authPassword: 'smtp-s3cret' };

test('a mail says the code, who asked for it and how long it is good', async (t) => {
  const receiver = await mailReceiver(t);
  const delivery = deliveryOf({ api, smtp: { server: receiver.address } });
  assert.equal(delivery.method, 'email');
  await delivery.checkReady();
  await delivery.send(message());
  const [mail] = receiver.mails;
  assert.equal(mail?.from, 'tideway@example.com');
  assert.deepEqual(mail?.to, ['anna@example.org']);
  assert.match(mail?.source ?? '', /The token is: aB3dE6\r\n/);
  for (const phrase of [
    'The token has been requested from 127.0.0.1',
    'with user agent Go',
    'Token is valid for 100 seconds',
  ]) {
    assert.ok(mail?.source.includes(phrase), phrase);
  }
  assert.match(mail?.source ?? '', /^Content-Type: text\/plain; charset=utf-8$/im);
});

test('STARTTLS is used when it is offered, and its certificate is verified', async (t) => {
  const receiver = await mailReceiver(t, { hideSTARTTLS: false, ...tls });
  const smtp = { server: receiver.address };
  const delivery = deliveryOf({ api, smtp, mailCa: testCertificate });
  await delivery.checkReady();
  await delivery.send(message());
  assert.equal(receiver.mails[0]?.secure, true);
  const strict = deliveryOf({ api, smtp });
  assert.match(await failure(strict.send(message())), /^failed to send email: .*certificate/);
  assert.match(await failure(strict.checkReady()), /certificate/);
  assert.equal(receiver.mails.length, 1);
});

test('with `secure` the connection is encrypted from the start', async (t) => {
  const receiver = await mailReceiver(t, { secure: true, ...tls });
  const smtp = { server: receiver.address, secure: true };
  const delivery = deliveryOf({ api, smtp, mailCa: testCertificate });
  await delivery.checkReady();
  await delivery.send(message());
  assert.equal(receiver.mails[0]?.secure, true);
  const strict = deliveryOf({ api, smtp });
  assert.match(
    await failure(strict.checkReady()),
    /^could not connect to smtp\.server using TLS: |^failed to start tls: /,
  );
  assert.match(await failure(strict.send(message())), /^failed to send email using TLS: /);
});

test('credentials are sent as PLAIN, and wrong ones are named at start without the password', async (t) => {
  const receiver = await mailReceiver(t, login);
  const server = receiver.address;
  const delivery = deliveryOf({ api, smtp: { server, ...credentials } });
  await delivery.checkReady();
  await delivery.send(message());
  assert.equal(receiver.mails[0]?.user, 'sender');
  const wrong = deliveryOf({ api, smtp: { server, ...credentials, authPassword: 'wr0ng-s3cret' } });
  const refused = await failure(wrong.checkReady());
  assert.match(refused, /^failed to connect to smtp server using provided auth_username and auth_password: /);
  assert.match(await failure(wrong.send(message())), /^failed to send email: /);
  assert.ok(
    !refused.includes('wr0ng-s3cret') &&
      !refused.includes(Buffer.from('wr0ng').toString('base64').slice(0, 6)),
  );
});

test('a password is not sent in the clear to another machine', {
  skip: platform() !== 'linux',
}, async (t) => {
  const receiver = await mailReceiver(t, { ...login, disabledCommands: ['STARTTLS'], host: '127.0.0.2' });
  const delivery = deliveryOf({ api, smtp: { server: receiver.address, ...credentials } });
  assert.match(await failure(delivery.checkReady()), /^failed to start tls: /);
  assert.match(await failure(delivery.send(message())), /^failed to send email: /);
  assert.deepEqual(receiver.mails, []);
});

test('nobody at the other end is said at start', async () => {
  const delivery = deliveryOf({ api, smtp: { server: '127.0.0.1:1' } });
  assert.match(await failure(delivery.checkReady()), /^could not connect to smtp\.server: .*ECONNREFUSED/);
  assert.match(await failure(delivery.send(message())), /^failed to send email: .*ECONNREFUSED/);
});

test('a mail server that says nothing is not waited for', async (t) => {
  const sockets = new Set<Socket>();
  const silent = createServer((socket) => void sockets.add(socket.on('error', () => undefined)));
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    silent.close();
  });
  const { port } = silent.address() as { port: number };
  const delivery = deliveryOf({
    api: { ...api, twoFaSendTimeout: 200 },
    smtp: { server: `127.0.0.1:${port}` },
  });
  assert.equal(await failure(delivery.send(message())), 'context deadline exceeded');
  assert.equal(await failure(delivery.checkReady()), 'no answer in time when checking email delivery');
});

test('receivers are addresses, also those that are stored already', async (t) => {
  const receiver = await mailReceiver(t);
  const delivery = deliveryOf({ api, smtp: { server: receiver.address } });
  for (const good of ['anna@example.org', "o'neil+x@sub.example.org", 'a@localhost']) {
    await delivery.checkReceiver(good);
  }
  assert.equal(await failure(delivery.checkReceiver('')), 'email cannot be empty');
  for (const bad of [
    'anna',
    'anna@',
    'a b@example.org',
    'a@example.org, b@example.org',
    'Anna <a@example.org>',
    `${'a'.repeat(250)}@example.org`,
  ]) {
    assert.equal(await failure(delivery.checkReceiver(bad)), 'invalid email format', bad);
    assert.equal(await failure(delivery.send(message({ receiver: bad }))), 'invalid email format');
  }
  for (const hostile of ['a@example.org\r\nBcc: b@example.org', 'a@example.org\n']) {
    assert.match(await failure(delivery.checkReceiver(hostile)), /control characters/);
    assert.match(await failure(delivery.send(message({ receiver: hostile }))), /control characters/);
  }
  assert.deepEqual(receiver.mails, []);
});

test('a user agent stays on its line', async (t) => {
  const receiver = await mailReceiver(t);
  const delivery = deliveryOf({ api, smtp: { server: receiver.address } });
  const userAgent = `Go\r\n.\r\nBcc: eve@example.org\r\n\r\nThe token is: 000000\u2028${'x'.repeat(5_000)}`;
  await delivery.send(message({ userAgent }));
  const { source = '', to } = receiver.mails[0] ?? {};
  assert.deepEqual(to, ['anna@example.org']);
  assert.doesNotMatch(source, /^Bcc:/m);
  assert.doesNotMatch(source, /^The token is: 000000/m);
  const text = source.replace(/=\r\n/g, '');
  assert.match(text, /^with user agent Go \. Bcc: eve@example\.org The token is: 000000 x+\r$/m);
  assert.ok(source.length < 4_000);
});
