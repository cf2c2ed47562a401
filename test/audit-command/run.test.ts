import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runAuditCommand } from '../../src/audit-command/run.js';
import { openStore } from '../../src/store/open.js';
import { auditContent } from '../support/audit-content.js';
import { MemoryLogger } from '../support/memory-logger.js';
import { tempFolder } from '../support/temp-folder.js';

test('says by its status whether the log is whole, and where it is not', async (t) => {
  const dataDir = tempFolder(t);
  const change = async (what: (store: ReturnType<typeof openStore>) => Promise<unknown>): Promise<void> => {
    const store = openStore(dataDir, { log: new MemoryLogger() });
    await what(store);
    await store.close();
  };
  const verify = async (): Promise<[number, string[]]> => {
    const lines: string[] = [];
    const code = await runAuditCommand(['audit', 'verify', '--data-dir', dataDir], (text) =>
      lines.push(text),
    );
    return [code, lines];
  };
  await change((store) =>
    store.audit.append(
      ['a', 'b', 'c'].map((affectedId) => ({ ...auditContent({ affectedId }), timestamp: 1 })),
    ),
  );
  const [whole, said] = await verify();
  assert.equal(whole, 0);
  assert.equal(said[0], 'live table: 3 entries from 1, ok');
  assert.match(said[1] ?? '', /^the audit log is whole: 3 entries, the last is 3 with hash [0-9a-f]{64}$/);
  await change((store) => store.audit.removeThrough(1, 1));
  const wrong = 'entry 1 is missing, entry 2 is in its place';
  assert.deepEqual(await verify(), [
    1,
    [
      `live table: 0 entries from 1, BROKEN: ${wrong}`,
      `the audit log is BROKEN, first in live table: ${wrong}`,
    ],
  ]);
});
