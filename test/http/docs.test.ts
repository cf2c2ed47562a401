import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createApi } from '../../src/http/api.js';
import { routes } from '../../src/http/routes/index.js';
import { apiContext } from '../support/api-context.js';
import { inject } from '../support/inject.js';

const nobody = () => {
  throw new Error('nobody is asked to log in');
};
const api = createApi({ routes, context: apiContext({ version: '1.2.3', auth: { authenticate: nobody } }) });

test('the description is served without login and describes itself', async () => {
  const answer = await inject(api, { url: '/api/v1/openapi.json' });
  assert.equal(answer.status, 200);
  const document = answer.json() as { info: { version: string }; paths: object };
  assert.equal(document.info.version, '1.2.3');
  for (const path of ['/openapi.json', '/docs', '/clients', '/login']) assert(path in document.paths, path);
});

test('the page and everything it loads come from this server', async () => {
  const page = await inject(api, { url: '/api/v1/docs' });
  assert.equal(page.header('content-type'), 'text/html; charset=utf-8');
  const policy = page.header('content-security-policy');
  assert.match(policy, /default-src 'none'/);
  assert.match(policy, /script-src 'self';/);
  const sources = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, source]) => source ?? '');
  assert.equal(sources.length, 4);
  for (const source of sources) {
    const url = new URL(source, 'http://server/api/v1/docs');
    assert.equal(url.host, 'server');
    const asset = await inject(api, { url: url.pathname });
    assert.deepEqual([source, asset.status], [source, 200]);
    assert.equal(asset.header('x-content-type-options'), 'nosniff');
    assert(asset.body.length > 0);
  }
  assert.doesNotMatch(page.text, /<script>|onload|https?:/);
});

test('only the files of the page are served', async () => {
  for (const name of ['package.json', 'swagger-ui.js.map', '..%2fpackage.json', 'constructor', '%2e%2e']) {
    const answer = await inject(api, { url: `/api/v1/docs/${name}` });
    assert.notEqual(answer.status, 200);
  }
});
