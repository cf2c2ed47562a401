/** What a start prints, to whom it may concern. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Welcome, welcome } from '../src/welcome.js';

const print = (more: Partial<Welcome>, server: object = {}, api: object = {}): string =>
  welcome({
    config: {
      server: { dataDir: '/data', address: '0.0.0.0:8080', clientAuth: null, ...server },
      api: { address: '127.0.0.1:3000', certFile: '', ...api },
    } as unknown as Welcome['config'],
    server: { agentPort: 8080, apiPort: 3000, fingerprint: 'aa:bb' },
    newAdmin: null,
    agentCredential: { id: 'agent', password: 'secret1', isNew: false },
    version: '1.0.0',
    onTerminal: false,
    ...more,
  });

test('a new password of agents is shown', () => {
  const text = print({ agentCredential: { id: 'agent', password: 'secret1', isNew: true } });
  assert.match(text, /^ {2}rport --auth agent:secret1 --fingerprint aa:bb http:\/\/127\.0\.0\.1:8080$/m);
});

test('an old one is shown on a terminal only; elsewhere, where to find it', () => {
  assert.match(print({ onTerminal: true }), /--auth agent:secret1 /);
  const kept = print({});
  assert.doesNotMatch(kept, /secret1/);
  assert.match(kept, /^ {2}rport --auth 'agent:<password>' --fingerprint aa:bb http:\/\/127\.0\.0\.1:8080$/m);
  assert.match(kept, /^ {2}<password>: as administrator, GET \/api\/v1\/clients-auth$/m);
  const configured = print({}, { clientAuth: { id: 'agent', password: 'secret1' } });
  assert.doesNotMatch(configured, /secret1/);
  assert.match(configured, /^ {2}<password>: 'auth' of section \[server\]$/m);
  const withoutApi = print(
    { server: { agentPort: 8080, apiPort: 0, fingerprint: 'aa:bb' } },
    {},
    { address: '' },
  );
  assert.match(withoutApi, /^ {2}<password>: shown by a start on a terminal$/m);
});

test('without a credential to name there is no command line', () => {
  assert.doesNotMatch(print({ agentCredential: null }), /rport --auth|<password>/);
});
