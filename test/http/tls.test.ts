import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { listen } from '../support/http-engine.js';
import { testCertificate, testPrivateKey } from '../support/test-certificate.js';

async function serve(t: TestContext, minVersion: '1.2' | '1.3'): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'tls-'));
  t.after(() => rm(folder, { recursive: true }));
  const tls = { certFile: join(folder, 'cert.pem'), keyFile: join(folder, 'key.pem'), minVersion };
  await writeFile(tls.certFile, testCertificate);
  await writeFile(tls.keyFile, testPrivateKey);
  const onRequest: Parameters<typeof listen>[0]['onRequest'] = async (_request, response) => {
    await new Promise(setImmediate);
    response.send(200, [], 'secret');
  };
  const listening = await listen({ host: '127.0.0.1', port: 0, onRequest, tls });
  t.after(() => listening.close());
  return listening.port;
}

function ask(port: number, version: 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3'): Promise<string> {
  return new Promise((resolve) => {
    const options = {
      port,
      host: '127.0.0.1',
      ca: testCertificate,
      minVersion: version,
      maxVersion: version,
    } as const;
    const request = get({ ...options, ciphers: 'DEFAULT@SECLEVEL=0', agent: false }, (response) => {
      response.on('data', (chunk) => resolve(String(chunk)));
    });
    request.on('error', () => resolve('refused'));
  });
}

test('a minimum of TLS 1.3 refuses 1.2', async (t) => {
  const port = await serve(t, '1.3');
  assert.deepEqual([await ask(port, 'TLSv1.3'), await ask(port, 'TLSv1.2')], ['secret', 'refused']);
});

test('a minimum of TLS 1.2 takes 1.2 and 1.3 and refuses 1.1', async (t) => {
  const port = await serve(t, '1.2');
  assert.equal(await ask(port, 'TLSv1.3'), 'secret');
  assert.equal(await ask(port, 'TLSv1.2'), 'secret');
  assert.equal(await ask(port, 'TLSv1.1'), 'refused');
});

test('a certificate that does not load is named', async () => {
  const tls = { certFile: '/nowhere/cert.pem', keyFile: '/nowhere/key.pem', minVersion: '1.3' as const };
  await assert.rejects(
    listen({ host: '127.0.0.1', port: 0, onRequest: () => undefined, tls }),
    /cannot use certificate \/nowhere\/cert\.pem with key/,
  );
});
