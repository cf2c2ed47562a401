/** The pages that try WebSockets: when they are there, what they may load, and what their script does. Spec 04 §14. */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { runInNewContext } from 'node:vm';
import { createApi } from '../../../src/http/api.js';
import { routes } from '../../../src/http/routes/index.js';
import { apiContext } from '../../support/api-context.js';
import { inject } from '../../support/inject.js';

const page = (name: string, enableWsTestEndpoints = true) =>
  inject(createApi({ context: apiContext({ api: { enableWsTestEndpoints } }), routes }), {
    url: `/api/v1/test/${name}/ui`,
  });

const partOf = (text: string, tag: string): string =>
  new RegExp(`<${tag}>([\\s\\S]*)</${tag}>`).exec(text)?.[1] ?? '';

test('they are there only when asked for', async () => {
  for (const name of ['commands', 'scripts', 'uploads']) {
    const { status, text } = await page(name, false);
    assert.deepEqual([status, text], [404, '404 page not found\n']);
    assert.equal((await page(name)).status, 200);
  }
  assert.equal((await page('others')).status, 404);
});

test('nothing is loaded from elsewhere, and only the script and style of the page count', async () => {
  for (const name of ['commands', 'scripts', 'uploads']) {
    const { text, header } = await page(name);
    const policy = header('content-security-policy');
    for (const tag of ['script', 'style']) {
      const digest = createHash('sha256').update(partOf(text, tag)).digest('base64');
      assert.ok(policy.includes(`${tag}-src 'sha256-${digest}'`), policy);
    }
    assert.match(policy, /default-src 'none'.*connect-src 'self'/);
    assert.doesNotMatch(text, /\b(?:src|href|action|on\w+)=/);
    assert.equal(header('referrer-policy'), 'no-referrer');
  }
});

interface Field {
  value: string;
  textContent: string;
  scrollTop: number;
  scrollHeight: number;
  onclick?: () => void;
}

/** As much of a browser as the script asks for. */
function browse(text: string, href: string) {
  const fields = new Map<string, Field>();
  for (const [, id = ''] of text.matchAll(/id="(\w+)"/g)) {
    fields.set(id, { value: '', textContent: '', scrollTop: 0, scrollHeight: 0 });
  }
  const sockets: FakeSocket[] = [];
  class FakeSocket {
    static readonly OPEN = 1;
    readonly readyState = FakeSocket.OPEN;
    readonly sent: string[] = [];
    onopen?: () => void;
    onmessage?: (event: { data: string }) => void;
    onclose?: (event: { code: number; reason: string }) => void;
    constructor(readonly url: URL) {
      sockets.push(this);
    }
    send(message: string): void {
      this.sent.push(message);
    }
    close(): void {
      this.onclose?.({ code: 1000, reason: '' });
    }
  }
  runInNewContext(partOf(text, 'script'), {
    document: {
      getElementById: (id: string) => fields.get(id) ?? null,
      body: { dataset: { socket: /data-socket="(\w+)"/.exec(text)?.[1] } },
    },
    location: new URL(href),
    WebSocket: FakeSocket,
    URL,
    TextEncoder,
    btoa,
    Array,
    encodeURIComponent,
  });
  const field = (id: string): Field => fields.get(id) ?? assert.fail(`no ${id}`);
  return { field, sockets, click: (id: string) => field(id).onclick?.() };
}

test('a script goes out in base64, over the address of the page with the token', async () => {
  const { field, sockets, click } = browse(
    (await page('scripts')).text,
    'https://h:1/x/api/v1/test/scripts/ui?a=1',
  );
  field('token').value = 'a&b=';
  click('send');
  assert.equal(sockets.length, 0);
  click('open');
  const [socket] = sockets;
  assert.equal(String(socket?.url), 'wss://h:1/x/api/v1/ws/scripts?access_token=a%26b%3D');
  field('request').value = '{"client_ids":["a"]}';
  field('script').value = 'echo \u00fc\u{1f600}\n';
  click('send');
  const sent = JSON.parse(socket?.sent[0] ?? '') as { client_ids: string[]; script: string };
  assert.deepEqual(sent.client_ids, ['a']);
  assert.equal(Buffer.from(sent.script, 'base64').toString(), 'echo \u00fc\u{1f600}\n');
  socket?.onmessage?.({ data: '<b>{}\n' });
  click('close');
  assert.match(field('output').textContent, /<b>\{\}\n-- closed, code 1000\n$/);
});

test('a command goes out as it is written', async () => {
  const { field, sockets, click } = browse((await page('commands')).text, 'http://h/api/v1/test/commands/ui');
  click('open');
  field('request').value = 'as it is';
  click('send');
  assert.equal(sockets[0]?.url.href, 'ws://h/api/v1/ws/commands?access_token=');
  assert.deepEqual(sockets[0]?.sent, ['as it is']);
});
