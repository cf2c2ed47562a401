import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { refuse } from '../../../src/actors/ask.js';
import { CLIENT_KIND, type ClientMessage } from '../../../src/actors/client/messages.js';
import { createActorSystem } from '../../../src/actors/runtime/system.js';
import type { Behavior } from '../../../src/actors/runtime/types.js';
import type { ClientIndex } from '../../../src/clients/read-model.js';
import type { ClientRecord } from '../../../src/clients/record.js';
import { AppError } from '../../../src/errors.js';
import { createApi } from '../../../src/http/api.js';
import { tunnelRoutes } from '../../../src/http/routes/tunnels.js';
import { systemClock } from '../../../src/time.js';
import { apiContext, silentLog } from '../../support/api-context.js';
import { clientRecord } from '../../support/client-record.js';
import { type Injected, inject } from '../../support/inject.js';
import { remote, tunnel } from '../../support/remotes.js';

const running = tunnel('1', remote('20001:10.0.0.2:22', { name: 'office ssh', owner: 'bob', scheme: 'ssh' }));
const runningJson = {
  name: 'office ssh',
  protocol: 'tcp',
  lhost: '0.0.0.0',
  lport: '20001',
  lport_random: false,
  owner: 'bob',
  rhost: '10.0.0.2',
  rport: '22',
  scheme: 'ssh',
  acl: null,
  idle_timeout_minutes: 0,
  auto_close: 0,
  http_proxy: false,
  host_header: '',
  auth_user: '',
  auth_password: '',
  tunnel_url: '',
};

const records: readonly ClientRecord[] = [
  clientRecord('here', { tunnels: [running] }),
  clientRecord('away', { tunnels: [running], disconnectedAt: '2026-01-01T00:00:00Z' }),
  clientRecord('gone'),
];

describe('the routes of tunnels', () => {
  const system = createActorSystem({ thread: 1, clock: systemClock, log: silentLog });
  let asked: ClientMessage[] = [];
  let answer: unknown = null;

  before(() => {
    const client: Behavior<ClientMessage, null, null> = {
      kind: CLIENT_KIND,
      preStart: () => null,
      receive(_ctx, _state, message, sender) {
        asked.push(message);
        if (answer instanceof AppError) refuse(sender, answer);
        else sender.reply(answer);
      },
    };
    system.spawn(client, 'here', null);
  });
  after(() => system.shutdown());
  beforeEach(() => {
    asked = [];
    answer = null;
  });

  const clients = {
    get: (id: string) => records.find((record) => record.id === id),
    canAccess: () => true,
    visible: () => records,
  } as unknown as ClientIndex;
  const api = createApi({
    routes: tunnelRoutes,
    context: apiContext({ actors: system, clients, server: { checkPortTimeout: 2_000 } }),
  });
  const call = (method: string, path: string, body?: object): Promise<Injected> =>
    inject(api, { method, url: `/api/v1${path}`, ...(body ? { body } : {}) });
  const title = (reply: Injected): string => {
    const { errors } = reply.json() as { errors: { title: string }[] };
    return `${reply.status} ${errors[0]?.title}`;
  };

  it('PUT hands the request to the client and shows the tunnel', async () => {
    answer = running;
    const reply = await call(
      'PUT',
      '/clients/here/tunnels?remote=10.0.0.2:22&local=20001&name=office+ssh&scheme=ssh&check_port=0',
    );
    assert.equal(reply.status, 200);
    assert.deepEqual(reply.json(), { data: { id: '1', ...runningJson, created_at: '2026-01-01T00:00:00Z' } });
    assert.deepEqual(asked, [
      {
        type: 'create-tunnel',
        remote: remote('20001:10.0.0.2:22', {
          name: 'office ssh',
          owner: 'admin',
          scheme: 'ssh',
          idleTimeoutMinutes: 5,
        }),
        checkPort: false,
      },
    ]);
  });

  it('PUT: the client comes before the parameters', async () => {
    assert.equal(
      title(await call('PUT', '/clients/away/tunnels?remote=x')),
      '404 client with id away not found',
    );
    assert.equal(
      title(await call('PUT', '/clients/gone/tunnels?remote=22')),
      '404 client with id gone not found',
    );
    assert.equal(
      title(await call('PUT', '/clients/nobody/tunnels?remote=22')),
      '404 Client with id="nobody" not found.',
    );
    assert.equal(
      title(await call('PUT', '/clients/here/tunnels?remote=x')),
      '400 failed to decode "x": Missing ports',
    );
    assert.deepEqual(asked, []);
  });

  it('PUT passes on what the client refuses, code included', async () => {
    answer = new AppError('bad_request', {
      title: 'Tunnel already exist.',
      apiCode: 'ERR_CODE_TUNNEL_EXIST',
    });
    const reply = await call('PUT', '/clients/here/tunnels?remote=22');
    assert.equal(reply.status, 400);
    assert.deepEqual(reply.json(), {
      errors: [{ code: 'ERR_CODE_TUNNEL_EXIST', title: 'Tunnel already exist.', detail: '' }],
    });
  });

  it('DELETE: force is read first, then the client, then the tunnel', async () => {
    assert.equal(
      title(await call('DELETE', '/clients/away/tunnels/1?force=abc')),
      '400 Invalid force param: abc.',
    );
    assert.equal(
      title(await call('DELETE', '/clients/away/tunnels/1?force=1')),
      '404 client with id away not found',
    );
    answer = new AppError('not_found', { title: 'tunnel not found' });
    assert.equal(title(await call('DELETE', '/clients/here/tunnels/9')), '404 tunnel not found');
    answer = null;
    const reply = await call('DELETE', '/clients/here/tunnels/1?force=true');
    assert.deepEqual([reply.status, reply.text], [204, '']);
    assert.deepEqual(asked, [
      { type: 'delete-tunnel', id: '9', force: false },
      { type: 'delete-tunnel', id: '1', force: true },
    ]);
  });

  it('PUT acl takes a text, null, or nothing', async () => {
    for (const body of [{ acl: '127.0.0.0/24' }, { acl: null }, {}, { acl: '' }]) {
      const reply = await call('PUT', '/clients/here/tunnels/1/acl', body);
      assert.deepEqual([reply.status, reply.text], [204, '']);
    }
    assert.deepEqual(
      asked.map((message) => (message.type === 'set-tunnel-acl' ? message.acl : message)),
      ['127.0.0.0/24', null, null, ''],
    );
  });

  it('PUT acl refuses what is no such body', async () => {
    assert.equal(title(await call('PUT', '/clients/here/tunnels/1/acl')), '400 Missing body with json data.');
    assert.equal(title(await call('PUT', '/clients/here/tunnels/1/acl', { x: 1 })), '400 Invalid JSON data.');
    assert.equal(
      title(await call('PUT', '/clients/here/tunnels/1/acl', { acl: 1 })),
      '400 Invalid JSON data.',
    );
    assert.equal(
      title(await call('PUT', '/clients/away/tunnels/1/acl', { acl: null })),
      '404 client with id away not found',
    );
    assert.deepEqual(asked, []);
  });

  it('GET /tunnels lists those of connected clients', async () => {
    const reply = await call('GET', '/tunnels');
    assert.deepEqual(reply.json(), {
      data: [{ ...runningJson, id: '1', client_id: 'here', created_at: '2026-01-01T00:00:00Z' }],
    });
    assert.equal(reply.text.indexOf('"name"'), '{"data":[{'.length, 'keys in the order of spec 05 §6.1');
  });
});
