/** `kill -9` in the middle of changes: whatever was acknowledged has its entry, and the chain is whole. */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { TestServer } from '../support/server.js';
import { tidewayCommand } from '../support/user-command.js';

const CHANGES = 1_000;
const AT_ONCE = 16;
/** The kill comes in the middle of them. */
const KILLED_AFTER = CHANGES / 2;

test('every acknowledged change of 1000 has its entry after a kill, and the log is whole', async () => {
  const server = await TestServer.start({ api: { user_login_wait: 0 } });
  try {
    const acknowledged = new Set<string>();
    let next = 0;
    let killed: Promise<unknown> | null = null;
    const change = async (): Promise<void> => {
      while (next < CHANGES) {
        const id = `g${next++}`;
        try {
          const { status } = await server.api().post('/client-groups', { body: { id, description: id } });
          assert.equal(status, 201);
        } catch (error) {
          if (killed === null) throw error;
          return;
        }
        acknowledged.add(id);
        if (acknowledged.size === KILLED_AFTER) killed = server.kill();
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, change));
    assert.ok(killed !== null && acknowledged.size < CHANGES, 'it was killed in the middle');
    await killed;

    const verify = () =>
      tidewayCommand(['audit', 'verify', '-c', join(server.folder, 'rportd.conf')], { cwd: server.folder });
    const beforeStart = await verify();
    assert.equal(beforeStart.code, 0, beforeStart.out);
    await server.startAgain();
    const recorded = new Set<string>();
    for (let offset = 0; ; offset += 100) {
      const answer = await server.api().get(`/auditlog?page[limit]=100&page[offset]=${offset}`);
      const entries = answer.data<{ affected_id: string; action: string }[]>();
      for (const { affected_id: id } of entries) recorded.add(id);
      if (entries.length === 0) break;
    }
    assert.deepEqual(
      [...acknowledged].filter((id) => !recorded.has(id)),
      [],
    );
    assert.equal((await verify()).code, 0);
    // It goes on where it was.
    assert.equal((await server.api().delete('/client-groups/g0')).status, 204);
    assert.match((await verify()).out, new RegExp(`: ${recorded.size + 1} entries from 1, ok$`, 'm'));
  } finally {
    await server.remove();
  }
});
