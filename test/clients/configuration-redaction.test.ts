import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_CONFIGURATION_LENGTH, redactConfiguration } from '../../src/clients/configuration-redaction.js';

const redacted = (configuration: unknown): unknown => {
  const text = redactConfiguration(configuration);
  return text === null ? null : JSON.parse(text);
};

test('secrets are blank, every key and everything else stays', () => {
  const configuration = {
    client: {
      server: 'ws://rport.example.org:80',
      fallback_servers: ['wss://u:p@fallback.example.org', 'wss://other'],
      fingerprint: 'aa:bb',
      auth: 'client1:s3cret',
      proxy: 'http://user:pa@ss/wo:rd@proxy.example.org:3128',
      tags: ['a', 'b@c'],
      labels: null,
      proxy_url: { Scheme: 'http', Opaque: '', User: { name: 'x' }, Host: 'proxy.example.org:3128' },
      tunnels: [{ rport: '80', auth_user: 'web', auth_password: 's3cret', http_proxy: true }],
      ip_refresh_min: 30,
      auth_user: 'client1',
      auth_pass: 's3cret',
    },
    connection: {
      keep_alive: 180_000_000_000,
      headers: ['User-Agent: rport', 'authorization: Basic s3cret', 'X-Other: Bearer s3cret', 'nonsense'],
      http_headers: {
        'User-Agent': ['rport'],
        Authorization: ['Bearer s3cret', 's3cret'],
        'X-Api-Key': ['s3cret'],
        Cookie: null,
      },
    },
    logging: { log_file: { File: {} }, log_level: 1 },
  };
  assert.deepEqual(redacted(configuration), {
    client: {
      ...configuration.client,
      fallback_servers: ['wss://fallback.example.org', 'wss://other'],
      auth: '',
      proxy: 'http://proxy.example.org:3128',
      proxy_url: { Scheme: 'http', Opaque: '', User: {}, Host: 'proxy.example.org:3128' },
      tunnels: [{ rport: '80', auth_user: 'web', auth_password: '', http_proxy: true }],
      auth_pass: '',
    },
    connection: {
      keep_alive: 180_000_000_000,
      headers: ['User-Agent: rport', 'authorization: ', 'X-Other: ', 'nonsense'],
      http_headers: { 'User-Agent': ['rport'], Authorization: ['', ''], 'X-Api-Key': [''], Cookie: null },
    },
    logging: { log_file: { File: {} }, log_level: 1 },
  });
  assert.ok(!redactConfiguration(configuration)?.includes('s3cret'));
});

test('letter case and nesting hide no secret', () => {
  const text = redactConfiguration({
    Client: { AUTH: 's3cret', Auth_Pass: ['s3cret', { x: 's3cret-not-a-secret-key' }] },
    connection: { Headers: 'Authorization: s3cret', HTTP_HEADERS: { 'proxy-authorization': 's3cret' } },
    deep: [[{ password: 's3cret' }]],
  });
  assert.equal(text?.match(/s3cret/g)?.length, 1);
});

test('what is not an object is nothing', () => {
  for (const value of [null, undefined, 'x', 7, [], true]) assert.equal(redactConfiguration(value), null);
});

test('hostile sizes and shapes give nothing rather than much', () => {
  let deep: unknown = 'x';
  for (let level = 0; level < 50; level++) deep = level % 2 === 0 ? [deep] : { deep };
  assert.equal(redactConfiguration({ deep }), null);
  assert.equal(redactConfiguration({ long: 'x'.repeat(MAX_CONFIGURATION_LENGTH) }), null);
  assert.equal(redactConfiguration({ many: new Array(MAX_CONFIGURATION_LENGTH).fill(0) }), null);
  const odd = JSON.parse('{"__proto__":{"auth":"s3cret"},"constructor":1}');
  assert.equal(redactConfiguration(odd), '{"__proto__":{"auth":""},"constructor":1}');
});

test('the text has the escapes of the other JSON of the API', () => {
  assert.equal(redactConfiguration({ name: '<a&b>\u2028' }), '{"name":"\\u003ca\\u0026b\\u003e\\u2028"}');
});
