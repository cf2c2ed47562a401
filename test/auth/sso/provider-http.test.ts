/** What a provider that misbehaves can do to this server: little. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { limitAtOnce } from '../../../src/auth/sso/limit-at-once.js';
import { ProviderFailure, ProviderRefusal } from '../../../src/auth/sso/provider-error.js';
import { makeProviderHttp, readPages } from '../../../src/auth/sso/provider-http.js';
import { CLIENT } from '../../support/openid-issuer.js';
import { refusalOf, ssoWorld } from '../../support/sso-world.js';

async function serve(test: TestContext, answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  test.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const patient = makeProviderHttp(60_000);

test('an answer that does not come, or does not end, is given up', async (t) => {
  const silent = await serve(t, () => undefined);
  const endless = await serve(t, (_request, response) => void response.write('{'));
  const http = makeProviderHttp(50);
  await assert.rejects(http(`${silent}/token?secret=1`), (error: Error) => {
    assert.ok(error instanceof ProviderFailure);
    assert.match(error.message, /^GET 127\.0\.0\.1:\d+\/token: .*(timeout|aborted)/);
    return true;
  });
  await assert.rejects(http(endless), ProviderFailure);
});

test('a connection that the provider closes after an answer is not used again', async (t) => {
  const used = new Set<Socket>();
  const url = await serve(t, ({ socket }, response) => {
    if (used.has(socket)) socket.destroy();
    used.add(socket);
    response.end('{}');
  });
  for (let login = 0; login < 3; login++) assert.equal((await patient(url)).status, 200);
});

test('an answer without end in size is cut off', async (t) => {
  const url = await serve(t, (_request, response) => {
    const send = (): void => {
      while (!response.destroyed && response.write('x'.repeat(65_536)));
      response.once('drain', send);
    };
    send();
  });
  await assert.rejects(patient(url), /longer than 1048576 bytes/);
});

test('redirects are not followed: they could lead anywhere', async (t) => {
  const asked: string[] = [];
  const url = await serve(t, (request, response) => {
    asked.push(request.url ?? '');
    response.writeHead(307, { location: '/elsewhere' }).end();
  });
  const world = await ssoWorld(t, {
    oauth: { provider: 'github', authorizeUrl: url, tokenUrl: `${url}/token`, deviceAuthorizeUrl: url },
  });
  const { state } = await world.settings();
  assert.equal(refusalOf(await world.signIn('code', state)), '401 the identity provider gives no answer');
  assert.deepEqual(asked, ['/token']);
});

test('answers that are none are failures of the provider, not of the caller', async (t) => {
  let answer = '';
  const url = await serve(t, (_request, response) => void response.end(answer));
  const world = await ssoWorld(t, {
    oauth: { provider: 'github', authorizeUrl: url, tokenUrl: url, deviceAuthorizeUrl: url },
    api: { maxFailedLogin: 1 },
  });
  const bodies = [
    '',
    'x',
    '[]',
    '{}',
    '{"access_token":7}',
    '{"access_token":"a","token_type":"mac"}',
    'null',
  ];
  for (answer of bodies) {
    const { state } = await world.settings();
    assert.equal(refusalOf(await world.signIn('code', state)), '401 the identity provider gives no answer');
    const device = await world.open('/auth/ext/settings/device');
    assert.equal(refusalOf(device), '500 the identity provider gives no answer', answer);
  }
});

test('users are sent to no address that could be a trap, with no code that could be', async (t) => {
  let given: object = {};
  const url = await serve(t, (_request, response) => {
    const rest = { device_code: 'd', user_code: 'AB-CD', expires_in: 900 };
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ ...rest, ...given }));
  });
  const world = await ssoWorld(t, {
    oauth: { provider: 'github', authorizeUrl: url, tokenUrl: `${url}/token`, deviceAuthorizeUrl: url },
  });
  const uri = 'https://id.example/device';
  for (const bad of [
    ...['javascript:alert(1)', 'http://id.example/device', 'https://id.example@evil.example/', 'x'].map(
      (one) => ({
        verification_uri: one,
      }),
    ),
    { verification_uri: `${uri}?${'x'.repeat(5000)}` },
    { verification_uri: uri, user_code: `AB${String.fromCharCode(27)}[2J` },
    { verification_uri: uri, user_code: 'x'.repeat(1000) },
  ]) {
    given = bad;
    const answer = await world.open('/auth/ext/settings/device');
    assert.equal(refusalOf(answer), '500 the identity provider gives no answer', JSON.stringify(bad));
  }
  given = { verification_uri: uri };
  assert.equal((await world.deviceSettings()).verification_uri, uri);
});

test('pages without end are given up', async (t) => {
  let pages = 0;
  const url = await serve(t, (_request, response) => {
    pages += 1;
    response.end('[]');
  });
  await assert.rejects(
    readPages(patient, 'token', url, () => '/next'),
    /more than 20 pages/,
  );
  assert.equal(pages, 20);
});

test('what a provider says is shown on one line, bounded', () => {
  const refusal = new ProviderRefusal(400, 'bad\r\n\u0000code\u202e', 'x'.repeat(10_000), { a: 1 });
  assert.equal(refusal.message, `bad code: ${'x'.repeat(200)}`);
  assert.equal(refusal.uri, '');
});

test('secrets of the application are in no answer and no line of the log', async (t) => {
  const url = await serve(t, (_request, response) => void response.writeHead(500).end(CLIENT.secret));
  const world = await ssoWorld(t, { oauth: { provider: 'github', authorizeUrl: url, tokenUrl: url } });
  const { authorize_url, state } = await world.settings();
  const answer = await world.signIn('the-code', state);
  for (const text of [authorize_url, answer.text, ...world.ssoLog.lines, ...world.log.lines]) {
    assert.ok(!text.includes(CLIENT.secret) && !text.includes('the-code'), text);
  }
});

test('no more wait for the provider at once than is good', async () => {
  const limited = limitAtOnce(2);
  let finish: () => void = () => undefined;
  const slow = () =>
    new Promise<void>((resolve) => {
      finish = resolve;
    });
  const first = limited(slow);
  const finishFirst = finish;
  const second = limited(slow);
  await assert.rejects(limited(slow), { status: 503 });
  finishFirst();
  await first;
  const third = limited(async () => 'in');
  assert.equal(await third, 'in');
  finish();
  await second;
});
