/** What changes of the library tell the audit log. Spec 03 §12.4. */

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { AuditDraft } from '../../../src/audit/audit-log.js';
import { createApi } from '../../../src/http/api.js';
import { libraryRoutes } from '../../../src/http/routes/library.js';
import { openLibrary } from '../../../src/library/library.js';
import { openStore } from '../../../src/store/open.js';
import { apiContext } from '../../support/api-context.js';
import { type InjectedRequest, inject } from '../../support/inject.js';
import { ManualClock } from '../../support/manual-clock.js';
import { MemoryLogger } from '../../support/memory-logger.js';
import { tempFolder } from '../../support/temp-folder.js';

function world(t: TestContext) {
  const clock = new ManualClock();
  const store = openStore(tempFolder(t), { log: new MemoryLogger(), clock });
  t.after(() => store.close());
  const recorded: AuditDraft[] = [];
  const audit = {
    record: async (entries: readonly AuditDraft[]) => {
      recorded.push(...entries);
    },
  };
  const api = createApi({
    context: apiContext({ library: openLibrary(store, clock), clock, audit }),
    routes: libraryRoutes,
  });
  const send = async (method: string, path: string, body?: object) => {
    const request: InjectedRequest = { method, url: `/api/v1/library${path}`, ...(body && { body }) };
    const answer = await inject(api, request);
    return answer.text === ''
      ? { status: answer.status }
      : { status: answer.status, ...(answer.json() as object) };
  };
  return { clock, recorded, send };
}

test('creations, changes and deletions are recorded with what was asked and what was stored', async (t) => {
  const { clock, recorded, send } = world(t);
  const made = (await send('POST', '/scripts', { name: 'n', script: 's' })) as unknown as {
    data: { id: string };
  };
  const { id } = made.data;
  clock.advance(1000);
  const changed = (await send('PUT', `/scripts/${id}`, {
    name: 'm',
    script: 's2',
    timeout_sec: 5,
  })) as unknown as {
    data: object;
  };
  await send('DELETE', `/scripts/${id}`);
  const common = { username: 'admin', remoteIp: '127.0.0.1', application: 'library.script', affectedId: id };
  const given = { interpreter: '', is_sudo: false, cwd: '', tags: null };
  assert.deepEqual(recorded, [
    {
      ...common,
      action: 'create',
      request: { name: 'n', ...given, script: 's', timeout_sec: 60 },
      response: made.data,
    },
    {
      ...common,
      action: 'update',
      request: { name: 'm', ...given, script: 's2', timeout_sec: 5 },
      response: changed.data,
    },
    { ...common, action: 'delete' },
  ]);
});

test('commands are told apart from scripts, and refusals are not recorded', async (t) => {
  const { recorded, send } = world(t);
  assert.equal((await send('POST', '/commands', { name: 'n' })).status, 400);
  assert.equal((await send('PUT', '/commands/x', { name: 'n', cmd: 'c' })).status, 404);
  assert.equal((await send('DELETE', '/commands/x')).status, 404);
  assert.equal((await send('POST', '/commands', { name: 'n', cmd: 'c', tags: ['t'] })).status, 201);
  assert.equal((await send('POST', '/commands', { name: 'n', cmd: 'c' })).status, 409);
  assert.deepEqual(
    recorded.map(({ application, action, request }) => ({ application, action, request })),
    [
      {
        application: 'library.command',
        action: 'create',
        request: { name: 'n', cmd: 'c', tags: ['t'], timeout_sec: 60 },
      },
    ],
  );
});
