/** What the audit log gets of a run over a WebSocket: complete when small, bounded when it is not. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuditDraft } from '../../src/audit/audit-log.js';
import { recordRun } from '../../src/http/ws/run-audit.js';
import { clientId } from '../../src/ids.js';

async function recorded(count: number, request: object): Promise<readonly (readonly AuditDraft[])[]> {
  const calls: (readonly AuditDraft[])[] = [];
  const targets = Array.from({ length: count }, (_, index) => {
    const id = clientId(`c${index}`);
    return { id, name: id, hostname: `${id}.example` };
  });
  const entry = { username: 'ada', remoteIp: '::1', application: 'client.command', affectedId: 'm' };
  await recordRun({ record: async (entries) => void calls.push(entries) }, entry, targets, request);
  return calls;
}

test('one entry for each target with the whole request', async () => {
  const request = { client_ids: ['c0', 'c1'], command: 'id', is_sudo: true, timeout_sec: 3, tags: null };
  const [entries = []] = await recorded(2, request);
  assert.deepEqual(
    entries.map(({ clientId: id, clientHostname }) => [id, clientHostname]),
    [
      ['c0', 'c0.example'],
      ['c1', 'c1.example'],
    ],
  );
  assert.deepEqual(entries[0]?.request, request);
  assert.deepEqual([entries[0]?.action, entries[0]?.username], ['execute.start', 'ada']);
});

test('long texts and lists for a fleet are cut, and written in pieces', async () => {
  const ids = Array.from({ length: 10_000 }, (_, index) => `c${index}`);
  const request = { client_ids: ids, command: 'x'.repeat(200_000), tags: { tags: ['t'.repeat(100_000)] } };
  const calls = await recorded(10_000, request);
  assert.ok(calls.every((entries) => entries.length === 100));
  assert.equal(new Set(calls.flat().map(({ clientId: id }) => id)).size, 10_000);
  const text = JSON.stringify(calls[0]?.[0]?.request);
  assert.ok(text.length < 4_000, `${text.length}`);
  assert.match(text, /… \[9950 more\]/);
  assert.match(text, /more characters\]/);
});
