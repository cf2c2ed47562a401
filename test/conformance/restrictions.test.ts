/** Groups that restrict tunnels, over the API of a running server. Spec 02 §15, 05 §22. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { ApiAnswer, ApiClient } from '../support/api-client.js';
import { freePorts } from '../support/free-ports.js';
import { TestServer } from '../support/server.js';
import { PASSWORD, storePeople } from '../support/store-people.js';

const FOREIGN = '403 You are not allowed to terminate tunnels of other users';

let server: TestServer;
let ports: readonly number[];

const as = (username: string): ApiClient => server.api(username, PASSWORD);
const open = (username: string, query: string): Promise<ApiAnswer> =>
  as(username).put(`/clients/c/tunnels?check_port=0&${query}`);
const idOf = (answer: ApiAnswer): string => answer.data<{ id: string }>().id;

before(async () => {
  ports = await freePorts(8);
  server = await TestServer.start({
    api: { auth: null, user_login_wait: 0, max_failed_login: 0 },
    prepare: (dataDir) =>
      storePeople(
        dataDir,
        {
          root: ['Administrators', 'Shell'],
          bert: ['Shell'],
          carl: ['Shell', 'Web'],
          dora: ['Shell', 'All'],
          emil: ['Shell', 'Readers'],
        },
        {
          Shell: {
            permissions: ['tunnels'],
            tunnelsRestricted: {
              remote: ['22'],
              acl: ['192.0.2.0/24'],
              'auto-close': { max: '1h' },
              'terminate-foreign-tunnels': false,
            },
          },
          Web: { permissions: ['tunnels'], tunnelsRestricted: { remote: ['80'], local: ports.map(String) } },
          All: { permissions: ['tunnels'] },
          // Unrestricted, but not of tunnels: lifts nothing.
          Readers: { permissions: ['monitoring'] },
        },
      ),
  });
  await server.agent('c');
  await server.untilKnown('c', as('root'));
  const body = { allowed_user_groups: ['Shell', 'Web', 'All', 'Readers'] };
  assert.equal((await as('root').post('/clients/c/acl', { body })).status, 204);
});
after(() => server.remove());

const shell = 'remote=22&acl=192.0.2.7&auto-close=30m';

test('what the group allows is allowed, anything else names the parameter', async () => {
  const opened = await open('bert', shell);
  assert.equal(opened.status, 200);
  for (const [query, title] of [
    [
      'remote=3389&acl=192.0.2.7&auto-close=30m',
      'Tunnel with parameter remote=3389 is forbidden. Allowed values: [22]',
    ],
    ['remote=22&auto-close=30m', 'Tunnel without parameter acl is forbidden. Allowed values: [192.0.2.0/24]'],
    [
      'remote=22&acl=192.0.2.7',
      'Tunnel without parameter auto-close is forbidden. Allowed value must be less than 1h',
    ],
    [
      'remote=22&acl=192.0.2.7&auto-close=61m',
      'Tunnel with auto-close=61m is forbidden. Allowed value must be less than 1h',
    ],
  ] as const) {
    const answer = await open('bert', query);
    assert.deepEqual([answer.status, answer.errors], [400, [{ code: '', title, detail: '' }]]);
  }
  const tunnels = (await as('bert').get('/tunnels')).data<{ owner: string }[]>();
  assert.deepEqual(
    tunnels.map(({ owner }) => owner),
    ['bert'],
  );
  assert.equal((await as('bert').delete(`/clients/c/tunnels/${idOf(opened)}`)).status, 204);
});

test('groups add up, and one of them must allow the whole request', async () => {
  const [port = 0] = ports;
  const web = await open('carl', `remote=80&local=${port}`);
  assert.equal(web.status, 200);
  assert.equal((await open('carl', 'remote=80')).status, 400);
  assert.equal((await open('carl', `remote=22&local=${port}`)).status, 400);
  const ssh = await open('carl', shell);
  assert.equal(ssh.status, 200);
  for (const tunnel of [web, ssh]) {
    assert.equal((await as('carl').delete(`/clients/c/tunnels/${idOf(tunnel)}`)).status, 204);
  }
});

test('an unrestricted group of the function lifts the restrictions of others', async () => {
  for (const username of ['dora', 'root']) {
    const tunnel = await open(username, 'remote=3389');
    assert.equal(tunnel.status, 200, username);
    assert.equal((await as(username).delete(`/clients/c/tunnels/${idOf(tunnel)}`)).status, 204);
  }
  assert.equal((await open('emil', 'remote=3389')).status, 400);
});

test('the ACL of a tunnel changes within what the group allows', async () => {
  const tunnel = idOf(await open('bert', shell));
  const change = (acl: string | null): Promise<ApiAnswer> =>
    as('bert').put(`/clients/c/tunnels/${tunnel}/acl`, { body: { acl } });
  assert.equal((await change('192.0.2.8,192.0.2.128/25')).status, 204);
  for (const acl of ['10.0.0.1', '192.0.2.8,10.0.0.1', null, '']) {
    const answer = await change(acl);
    assert.equal(answer.status, 400);
    assert.match(answer.titles[0] ?? '', /^Tunnel with(?:out)? parameter acl.* is forbidden/);
  }
  const [shown] = (await as('bert').get('/tunnels')).data<{ acl: string }[]>();
  assert.equal(shown?.acl, '192.0.2.8,192.0.2.128/25');
  assert.equal(
    (await as('root').put(`/clients/c/tunnels/${tunnel}/acl`, { body: { acl: null } })).status,
    204,
  );
  await as('root').delete(`/clients/c/tunnels/${tunnel}`);
});

test("another user's tunnel is closed only by who may", async () => {
  const ofRoot = idOf(await open('root', 'remote=1001'));
  const ofBert = idOf(await open('bert', shell));
  const close = async (username: string, id: string): Promise<string> =>
    (await as(username).delete(`/clients/c/tunnels/${id}`)).status === 204
      ? 'closed'
      : (await as(username).delete(`/clients/c/tunnels/${id}`)).refusal;
  assert.equal(await close('bert', ofRoot), FOREIGN);
  assert.equal((await as('bert').delete(`/clients/c/tunnels/${ofRoot}?force=true`)).refusal, FOREIGN);
  assert.equal(await close('bert', '99'), '404 tunnel not found');
  // His other group says nothing of it, so it admits it.
  assert.equal(await close('carl', ofBert), 'closed');
  assert.equal(await close('dora', ofRoot), 'closed');
  const again = idOf(await open('bert', shell));
  assert.equal(await close('bert', again), 'closed');
});
