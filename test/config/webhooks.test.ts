import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { planReload } from '../../src/config/reload.js';
import { eventTypes } from '../../src/events/event-types.js';
import { api, load } from './surroundings.js';

const SECRET = 'secret = "eight-or-more"';
const hook = (...lines: readonly string[]): string => `[[webhooks]]\n${lines.join('\n')}\n`;
const loaded = (toml: string) => load({ toml: `${api('auth = "admin:secret"')}${toml}` });
const URL_LINE = 'url = "https://hooks.example/x"';

describe('webhooks', () => {
  it('are none by default', () => {
    assert.deepEqual(loaded('').config.webhooks.list, []);
  });

  it('have defaults', () => {
    const [webhook] = loaded(hook(URL_LINE, SECRET)).config.webhooks.list;
    assert.match(webhook?.id ?? '', /^url-[0-9a-f]{16}$/);
    assert.deepEqual(
      { ...webhook, id: '' },
      {
        id: '',
        name: '',
        url: 'https://hooks.example/x',
        events: eventTypes,
        secret: 'eight-or-more',
        headers: {},
        timeout: 10_000,
        maxAge: 86_400_000,
        retryDelay: 1_000,
      },
    );
  });

  it('take patterns, headers and durations; names of keys count in any case', () => {
    const [webhook] = loaded(
      hook(
        'URL = "http://127.0.0.1:1/"',
        SECRET,
        'name = "ops"',
        'events = ["*.opened", "client.disconnected"]',
        'timeout = "3s"',
        'max_age = "2d"',
        'retry_delay = "500ms"',
        'headers = { X-Team = "night" }',
      ),
    ).config.webhooks.list;
    assert.equal(webhook?.id, 'ops');
    assert.deepEqual(webhook?.events, ['client.disconnected', 'tunnel.opened']);
    assert.deepEqual(webhook?.headers, { 'X-Team': 'night' });
    assert.deepEqual([webhook?.timeout, webhook?.maxAge, webhook?.retryDelay], [3_000, 172_800_000, 500]);
  });

  const refusals: readonly (readonly [lines: readonly string[], reason: RegExp])[] = [
    [[SECRET], /number 1: 'url' is required/],
    [['url = "ftp://x"', SECRET], /number 1: 'url' must be an http/],
    [['url = "https://user:pass-word@"', SECRET], /'url' must be/],
    [[URL_LINE], /'secret' must have at least 8 characters/],
    [
      [URL_LINE, SECRET, 'events = ["client.exploded"]'],
      /no event is called "client.exploded"; there are client.connected/,
    ],
    [[URL_LINE, SECRET, 'events = []'], /an empty list/],
    [[URL_LINE, SECRET, 'timeout = 5'], /'timeout': a duration needs a unit/],
    [[URL_LINE, SECRET, 'timeout = "2h"'], /'timeout' must be between/],
    [[URL_LINE, SECRET, 'name = "a b"'], /'name' must have/],
    [[URL_LINE, SECRET, 'headers = { Content-Type = "x" }'], /"Content-Type" cannot be set/],
    [[URL_LINE, SECRET, 'headers = { "a b" = "x" }'], /"a b" or its value cannot be sent/],
    [[URL_LINE, SECRET, hook(URL_LINE, SECRET)], /number 2: the same url is there already/],
  ];
  for (const [lines, reason] of refusals) {
    it(`refuse ${lines.join(' ').replaceAll('\n', ' ')}`, () => {
      assert.throws(() => loaded(hook(...lines)), reason);
    });
  }

  it('do not name an address that may hold a password', () => {
    assert.throws(
      () => loaded(hook('url = "https://user:pass-word@"', SECRET)),
      (error: Error) => !error.message.includes('pass-word'),
    );
  });

  it('must be tables in double brackets', () => {
    assert.throws(() => loaded(`[webhooks]\n${URL_LINE}\n`), /\[\[webhooks\]\], in double brackets/);
    assert.throws(
      () => loaded(`${hook('')}`.replace('[[webhooks]]', '[x]\n[[webhooks.y]]')),
      /double brackets/,
    );
  });

  it('are warned of when they have keys nobody knows', () => {
    const { warnings } = loaded(hook(URL_LINE, SECRET, 'retries = 5'));
    assert.ok(warnings.some(({ message }) => message.includes('webhooks.retries')));
  });

  it('are replaced by a reload', () => {
    const before = loaded(hook(URL_LINE, SECRET)).config;
    const after = loaded(hook('url = "https://other.example"', SECRET)).config;
    const plan = planReload(before, after);
    assert.deepEqual(plan.applied, ['webhooks']);
    assert.equal(plan.config.webhooks.list[0]?.url, 'https://other.example');
  });
});
