/** The audit log of a running server of two shards: every audited change makes the described entry. Spec 03 §12, §15.10. */

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { generateSync } from 'otplib';
import type { ApiAnswer, ApiClient } from '../support/api-client.js';
import { TestServer } from '../support/server.js';
import { tidewayCommand } from '../support/user-command.js';

interface Entry {
  readonly timestamp: string;
  readonly username: string;
  readonly remote_ip: string;
  readonly application: string;
  readonly action: string;
  readonly affected_id: string;
  readonly client_id: string;
  readonly client_hostname: string;
  readonly request: string;
  readonly response: string;
}

const PASSWORD = 'a-Password-of-anybody-7';
const quiet = { user_login_wait: 0, max_failed_login: 0 };

const entriesOf = async (api: ApiClient, query = 'page[limit]=100'): Promise<Entry[]> =>
  (await api.get(`/auditlog?${query}`)).data<Entry[]>();
const countOf = async (api: ApiClient): Promise<number> => (await api.get('/auditlog')).count ?? -1;

/** Entries that `change` made; it has to succeed. */
async function made(
  reader: ApiClient,
  change: () => Promise<ApiAnswer>,
): Promise<{ answer: ApiAnswer; entries: Entry[] }> {
  const before = await countOf(reader);
  const answer = await change();
  assert.ok(answer.status < 300, answer.text);
  return { answer, entries: await entriesOf(reader, `page[limit]=100&page[offset]=${before}`) };
}

const verify = (server: TestServer, ...more: string[]) =>
  tidewayCommand(['audit', 'verify', '-c', join(server.folder, 'rportd.conf'), ...more], {
    cwd: server.folder,
  });

/** What an entry says beside who and when. */
const essence = ({
  application,
  action,
  affected_id,
  client_id,
  client_hostname,
  request,
  response,
}: Entry) => [
  application,
  action,
  affected_id,
  client_id,
  client_hostname,
  request === '' ? '' : (JSON.parse(request) as unknown),
  response === '' ? '' : (JSON.parse(response) as unknown),
];

describe('with users of its own', () => {
  let server: TestServer;
  let admin: ApiClient;
  let anna: ApiClient;
  before(async () => {
    server = await TestServer.start({ server: { auth: null }, api: { auth: null, ...quiet } });
    const [, password = ''] = /Login +admin \/ (\S+)/.exec(server.output) ?? [];
    admin = server.api('admin', password);
    anna = server.api('anna', PASSWORD);
  });
  after(() => server?.remove());

  const emptyGroup = {
    client_id: null,
    name: null,
    os: null,
    os_arch: null,
    os_family: null,
    os_kernel: null,
    hostname: null,
    ipv4: null,
    ipv6: null,
    tag: null,
    version: null,
    address: null,
    client_auth_id: null,
    connection_state: null,
  };
  const group = {
    id: 'g1',
    description: 'one',
    params: { ...emptyGroup, os: ['x'] },
    allowed_user_groups: ['auditors'],
  };
  const noPermissions = {
    auditlog: false,
    commands: false,
    monitoring: false,
    scheduler: false,
    scripts: false,
    tunnels: false,
    uploads: false,
    vault: false,
  };
  let prefix = '';

  /** In this order: each finds what those before it have made. */
  const rows: readonly {
    readonly name: string;
    readonly change: () => Promise<ApiAnswer>;
    readonly by?: string;
    readonly entries: () => readonly (readonly unknown[])[];
  }[] = [
    {
      name: 'PUT /user-groups/{name}',
      change: () => admin.put('/user-groups/auditors', { body: { permissions: { auditlog: true } } }),
      entries: () => [
        [
          'auth.user.group',
          'update',
          'auditors',
          '',
          '',
          { permissions: { auditlog: true } },
          {
            name: 'auditors',
            permissions: { ...noPermissions, auditlog: true },
            tunnels_restricted: null,
            commands_restricted: null,
          },
        ],
      ],
    },
    {
      name: 'POST /users',
      change: () =>
        admin.post('/users', { body: { username: 'anna', password: PASSWORD, groups: ['auditors'] } }),
      entries: () => [['auth.user', 'create', 'anna', '', '', '', '']],
    },
    {
      name: 'PUT /users/{id}',
      change: () =>
        admin.put('/users/anna', { body: { two_fa_send_to: 'anna@example.com', password: PASSWORD } }),
      entries: () => [['auth.user', 'update', 'anna', '', '', '', '']],
    },
    {
      name: 'PUT /me',
      change: () => anna.put('/me', { body: { password: PASSWORD, old_password: PASSWORD } }),
      by: 'anna',
      entries: () => [['auth.user.me', 'update', '', '', '', '', '']],
    },
    {
      name: 'POST /me/tokens',
      change: async () => {
        const answer = await anna.post('/me/tokens', { body: { scope: 'read', name: 'one' } });
        prefix = answer.data<{ prefix: string }>().prefix;
        return answer;
      },
      by: 'anna',
      entries: () => [['auth.user.me.token', 'create', `[anna,${prefix}]`, '', '', '', '']],
    },
    {
      name: 'PUT /me/tokens/{prefix}',
      change: () =>
        anna.put(`/me/tokens/${prefix}`, { body: { name: 'two', expires_at: '2100-01-01T01:00:00+01:00' } }),
      by: 'anna',
      entries: () => [
        [
          'auth.user.me.token',
          'update',
          'anna',
          '',
          '',
          { expires_at: '2100-01-01T00:00:00Z', name: 'two' },
          '',
        ],
      ],
    },
    {
      name: 'DELETE /me/tokens/{prefix}',
      change: () => anna.delete(`/me/tokens/${prefix}`),
      by: 'anna',
      entries: () => [['auth.user.me.token', 'delete', 'anna', '', '', '', '']],
    },
    {
      name: 'DELETE /users/{id}/sessions/{session}',
      change: () => admin.delete('/users/anna/sessions/17'),
      entries: () => [['auth.api.session', 'delete', 'anna', '', '', '', '']],
    },
    {
      name: 'DELETE /users/{id}/sessions',
      change: () => admin.delete('/users/anna/sessions'),
      entries: () => [['auth.api.sessions', 'delete', 'anna', '', '', '', '']],
    },
    {
      name: 'POST /clients-auth',
      change: () => admin.post('/clients-auth', { body: { id: 'site', password: 'secret-of-site' } }),
      entries: () => [['client.auth', 'create', 'site', '', '', '', '']],
    },
    {
      name: 'DELETE /clients-auth/{id}',
      change: () => admin.delete('/clients-auth/site?force=true'),
      entries: () => [['client.auth', 'delete', 'site', '', '', { force: true }, '']],
    },
    {
      name: 'POST /client-groups',
      change: () => admin.post('/client-groups', { body: { ...group, params: { os: ['x'] } } }),
      entries: () => [['client.group', 'create', 'g1', '', '', group, '']],
    },
    {
      name: 'PUT /client-groups/{id}',
      change: () => admin.put('/client-groups/g1', { body: { id: 'g1', description: 'two' } }),
      entries: () => [
        [
          'client.group',
          'update',
          'g1',
          '',
          '',
          { id: 'g1', description: 'two', params: emptyGroup, allowed_user_groups: null },
          '',
        ],
      ],
    },
    {
      name: 'DELETE /client-groups/{id}',
      change: () => admin.delete('/client-groups/g1'),
      entries: () => [['client.group', 'delete', 'g1', '', '', '', '']],
    },
    {
      name: 'DELETE /user-groups/{name}',
      change: () => admin.delete('/user-groups/nobody'),
      entries: () => [['auth.user.group', 'delete', 'nobody', '', '', '', '']],
    },
  ];

  for (const { name, change, by = 'admin', entries: expected } of rows) {
    it(`${name} makes its entry`, async () => {
      const { entries } = await made(admin, change);
      assert.deepEqual(entries.map(essence), expected());
      for (const { username, remote_ip, timestamp } of entries) {
        assert.deepEqual([username, remote_ip], [by, '127.0.0.1']);
        assert.ok(Math.abs(Date.parse(timestamp) - Date.now()) < 60_000, timestamp);
      }
    });
  }

  it('shows every key, in the order of the reference', async () => {
    const [first] = await entriesOf(admin);
    assert.deepEqual(Object.keys(first ?? {}), [
      'timestamp',
      'username',
      'remote_ip',
      'application',
      'action',
      'affected_id',
      'client_id',
      'client_hostname',
      'request',
      'response',
    ]);
  });

  it('has no entry of what was only read or refused', async () => {
    const before = await countOf(admin);
    await admin.get('/users');
    assert.equal(
      (await admin.post('/users', { body: { username: 'anna', password: PASSWORD } })).status,
      400,
    );
    assert.equal((await anna.post('/client-groups', { body: group })).status, 403);
    assert.equal((await admin.get('/login')).status, 200);
    assert.equal(await countOf(admin), before);
  });

  it('shows others than administrators their own entries only', async () => {
    const own = await entriesOf(anna);
    assert.equal(own.length, 4);
    assert.deepEqual(new Set(own.map(({ username }) => username)), new Set(['anna']));
    for (const query of [
      'filter[username]=admin',
      'filter[action|username]=x',
      'filter[username][gt]=a&sort=nothing',
    ]) {
      const answer = await anna.get(`/auditlog?${query}`);
      assert.deepEqual(
        [answer.status, answer.errors[0]],
        [
          403,
          {
            code: '',
            title: 'filter forbidden',
            detail: 'only members of group Administrators can filter by usernames',
          },
        ],
      );
    }
    assert.deepEqual((await entriesOf(anna, 'filter[*]=admin')).length, 0);
    assert.equal((await entriesOf(anna, 'filter[action]=delete')).length, 1);
  });

  it('is closed to a name that would match others, and to who lacks the permission', async () => {
    const body = { username: 'a*', password: PASSWORD, groups: ['auditors'] };
    assert.equal((await admin.post('/users', { body })).status, 201);
    const star = server.api('a*', PASSWORD);
    assert.deepEqual(await entriesOf(star), []);
    assert.equal((await admin.put('/users/a*', { body: { groups: ['none'] } })).status, 204);
    assert.equal((await star.get('/auditlog')).refusal, '403 user does not have "auditlog" permission');
  });

  it('can be filtered, sorted and paged', async () => {
    const answer = await admin.get(
      '/auditlog?page[limit]=1&page[offset]=1&filter[application]=auth.user&sort=-timestamp',
    );
    assert.equal(answer.count, 4);
    const [entry] = answer.data<Entry[]>();
    assert.deepEqual([entry?.action, entry?.affected_id], ['create', 'a*']);
    const all = await countOf(admin);
    assert.equal((await admin.get('/auditlog?filter[timestamp][gt]=2020-01-01')).count, all);
    assert.equal((await admin.get('/auditlog?filter[timestamp][lt]=2020-01-01')).count, 0);
    assert.equal((await admin.get('/auditlog?filter[timestamp]=2020-01-01')).status, 400);
    assert.equal((await admin.get('/auditlog?filter[timestamp][gt]=yesterday')).status, 400);
    assert.equal((await admin.get('/auditlog?page[limit]=101')).status, 400);
    assert.equal((await admin.get('/auditlog?sort=request')).refusal, "400 unsupported sort field 'request'");
  });

  it('DELETE /users/{id} makes its entry, and what he did is still there', async () => {
    const { entries } = await made(admin, () => admin.delete('/users/anna'));
    // quirk: the application is another one than that of other changes of users.
    assert.deepEqual(entries.map(essence), [['user', 'delete', 'anna', '', '', '', '']]);
    assert.equal((await entriesOf(admin, 'filter[username]=anna')).length, 4);
  });

  it('is verified beside the running server, also while entries come', async () => {
    const { code, out } = await verify(server);
    assert.equal(code, 0, out);
    const count = await countOf(admin);
    assert.match(out, new RegExp(`^live table: ${count} entries from 1, ok$`, 'm'));
    assert.match(
      out,
      new RegExp(
        `^the audit log is whole: ${count} entries, the last is ${count} with hash [0-9a-f]{64}$`,
        'm',
      ),
    );
    let stop = false;
    const writers = Array.from({ length: 4 }, async (_, n) => {
      while (!stop) await admin.delete(`/client-groups/w${n}`);
    });
    for (const _ of [1, 2]) assert.equal((await verify(server)).code, 0);
    stop = true;
    await Promise.all(writers);
  });

  it('finds that nothing was started where it is told to look', async () => {
    const { code, err } = await verify(server, '--data-dir', join(server.folder, 'elsewhere'));
    assert.equal(code, 1);
    assert.match(err, /no server has been started with the data folder/);
    assert.ok(!readdirSync(server.folder).includes('elsewhere'));
    assert.equal((await tidewayCommand(['audit', 'check'], { cwd: server.folder })).code, 1);
    assert.match(
      (await tidewayCommand(['audit', '--help'], { cwd: server.folder })).out,
      /tideway audit verify/,
    );
  });
});

describe('of clients and tunnels', () => {
  let server: TestServer;
  let admin: ApiClient;
  before(async () => {
    server = await TestServer.start({ api: { use_ip_obfuscation: true, ...quiet } });
    admin = server.api();
  });
  after(() => server?.remove());

  it('has tunnels with their client and without their password, and clients', async () => {
    const agent = await server.agent('web-1', { Hostname: 'web1.lan' });
    await server.untilKnown('web-1');
    const client = ['web-1', 'web1.lan'];
    let tunnel: Record<string, unknown> = {};
    const opened = await made(admin, async () => {
      const answer = await admin.put(
        '/clients/web-1/tunnels?remote=127.0.0.1:22&check_port=0&acl=127.0.0.1&name=one',
      );
      tunnel = answer.data<Record<string, unknown>>();
      return answer;
    });
    const { id, created_at: _, ...request } = tunnel;
    assert.deepEqual(opened.entries.map(essence), [
      [
        'client.tunnel',
        'create',
        id,
        ...client,
        { ...request, auth_password: '' },
        { ...tunnel, auth_password: '' },
      ],
    ]);
    assert.equal(opened.entries[0]?.remote_ip, '127.0.0.x');
    const acl = await made(admin, () =>
      admin.put(`/clients/web-1/tunnels/${id}/acl`, { body: { acl: '127.0.0.2' } }),
    );
    assert.deepEqual(acl.entries.map(essence), [
      ['client.tunnel', 'update', id, ...client, { acl: '127.0.0.2' }, ''],
    ]);
    const open = await made(admin, () =>
      admin.put(`/clients/web-1/tunnels/${id}/acl`, { body: { acl: null } }),
    );
    assert.deepEqual(open.entries.map(essence), [
      ['client.tunnel', 'update', id, ...client, { acl: null }, ''],
    ]);
    const closed = await made(admin, () => admin.delete(`/clients/web-1/tunnels/${id}?force=1`));
    assert.deepEqual(closed.entries.map(essence), [
      ['client.tunnel', 'delete', id, ...client, { force: true }, ''],
    ]);
    const access = await made(admin, () =>
      admin.post('/clients/web-1/acl', { body: { allowed_user_groups: ['Administrators'] } }),
    );
    assert.deepEqual(access.entries.map(essence), [
      ['client.acl', 'update', 'web-1', '', '', { allowed_user_groups: ['Administrators'] }, ''],
    ]);
    assert.equal((await entriesOf(admin, 'filter[client_id]=web-1')).length, 4);
    assert.equal((await entriesOf(admin, 'filter[client_hostname]=WEB1*&page[limit]=2')).length, 2);

    agent.destroy();
    const removed = await made(admin, async () => {
      for (;;) {
        const answer = await admin.delete('/clients/web-1');
        if (answer.status !== 400) return answer;
      }
    });
    assert.deepEqual(removed.entries.map(essence), [['client', 'delete', 'web-1', '', '', '', '']]);
  });

  it('goes by a reloaded configuration', async () => {
    await server.reload({ api: { use_ip_obfuscation: false } });
    const { entries } = await made(admin, () => admin.delete('/client-groups/none'));
    assert.equal(entries[0]?.remote_ip, '127.0.0.1');
    await server.reload({ api: { enable_audit_log: false } });
    await admin.delete('/client-groups/none');
    assert.deepEqual((await admin.get('/auditlog')).json, { data: [], meta: { count: 0 } });
    await server.reload({ api: { enable_audit_log: true } });
    assert.equal((await entriesOf(admin)).at(-1)?.affected_id, 'none');
    assert.equal(await countOf(admin), 7);
  });
});

describe('with authenticator apps', () => {
  let server: TestServer;
  before(async () => {
    server = await TestServer.start({
      server: { auth: null },
      api: { auth: null, totp_enabled: true, ...quiet },
    });
  });
  after(() => server?.remove());

  it('has their secrets made and removed, without the secrets', async () => {
    const [, password = ''] = /Login +admin \/ (\S+)/.exec(server.output) ?? [];
    const bearer = (token: string): ApiClient =>
      server.anonymous().with({ authorization: `Bearer ${token}` });
    const first = bearer((await server.api('admin', password).get('/login')).data<{ token: string }>().token);
    const { secret } = (await first.post('/me/totp-secret')).json as { secret: string };
    const body = { username: 'admin', token: generateSync({ secret }) };
    const admin = bearer((await first.post('/verify-2fa', { body })).data<{ token: string }>().token);
    const totp = (action: string, id: string) => ['auth.user.totp', action, id, '', '', '', ''];
    assert.deepEqual((await entriesOf(admin)).map(essence), [totp('create', '')]);
    const own = await made(admin, () => admin.delete('/me/totp-secret'));
    assert.deepEqual(own.entries.map(essence), [totp('delete', '')]);
    const ofUser = await made(admin, () => admin.delete('/users/admin/totp-secret'));
    // quirk: two entries.
    assert.deepEqual(ofUser.entries.map(essence), [totp('delete', 'admin'), totp('delete', '')]);
    assert.ok(!JSON.stringify(await entriesOf(admin)).includes(secret));
  });
});

describe('when it is off', () => {
  let server: TestServer;
  before(async () => {
    server = await TestServer.start({ api: { enable_audit_log: false } });
  });
  after(() => server?.remove());

  it('is empty, whatever changes, and says so', async () => {
    const admin = server.api();
    assert.equal((await admin.delete('/client-groups/none')).status, 204);
    assert.deepEqual((await admin.get('/auditlog')).json, { data: [], meta: { count: 0 } });
    assert.equal((await admin.get('/auditlog?sort=nothing')).status, 400);
    const { auditlog } = (await admin.get('/status')).data<{ auditlog: unknown }>();
    assert.deepEqual(auditlog, { enabled: false, rotation: 'monthly' });
    assert.match((await verify(server)).out, /^live table: 0 entries from 1, ok$/m);
  });
});
