/** Requests whose body is held back until the caller may not make them any more, in all shards. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RawConnection } from '../support/raw-connection.js';
import { TestServer } from '../support/server.js';

/** The two shards take connections by chance: all of them on one has a chance of 1 in 2 ** 9. */
const HELD_BACK = 10;
const PASSWORD = 'a password long enough';

test('nobody finishes with old rights what he began with them', async (t) => {
  const server = await TestServer.start({ api: { auth: null } });
  t.after(() => server.remove());
  const [, user = '', password = ''] = /Login +(admin) \/ (\S+)/.exec(server.output) ?? [];
  const admin = server.api(user, password);
  const carl = { username: 'carl', password: PASSWORD, groups: ['Administrators'] };
  assert.equal((await admin.post('/users', { body: carl })).status, 201);
  const login = await server.api('carl', PASSWORD).get('/login');
  const { token } = (login.json as { data: { token: string } }).data;

  /** Statuses of ten such requests that are finished after `change`. */
  const finishedAfter = async (
    request: string,
    content: object,
    change: () => Promise<{ readonly status: number }>,
  ) => {
    const body = JSON.stringify(content);
    const held = Array.from({ length: HELD_BACK }, () => new RawConnection(server.apiPort));
    const head = `${request} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n`;
    await Promise.all(held.map((connection) => connection.write(head + body.slice(0, 1))));
    assert.equal((await admin.get('/me')).status, 200, 'the others have been read by now');
    assert.equal((await change()).status, 204);
    return Promise.all(
      held.map(async (connection) => {
        await connection.write(body.slice(1));
        const answer = await connection.until('\r\n\r\n');
        connection.close();
        return Number(/^HTTP\/1.1 (\d+)/.exec(answer)?.[1]);
      }),
    );
  };

  const demoted = await finishedAfter('PUT /api/v1/users/carl', { groups: carl.groups }, () =>
    admin.put('/users/carl', { body: { groups: [] } }),
  );
  assert.deepEqual(new Set(demoted), new Set([403]));
  const me = await server.api('carl', PASSWORD).get('/me');
  assert.deepEqual((me.json as { data: { groups: unknown } }).data.groups, []);
  const removed = await finishedAfter('POST /api/v1/me/tokens', { name: 'x', scope: 'read+write' }, () =>
    admin.delete('/users/carl'),
  );
  assert.deepEqual(new Set(removed), new Set([401]));
});
