/** The chain of hashes: whatever is done to an entry shows. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkLine, GENESIS, readEntry, sealEntry } from '../../src/audit/chain.js';
import type { AuditEntry, ChainLink } from '../../src/audit/entry.js';
import { auditContent } from '../support/audit-content.js';

const hostile = 'a"\\\n\r\u2028\u2029\u0000\ud800é😀';

function chain(count: number): string[] {
  const lines: string[] = [];
  let previous: ChainLink = GENESIS;
  for (let seq = 1; seq <= count; seq++) {
    const entry = {
      ...auditContent({ affectedId: `g${seq}`, clientHostname: hostile }),
      seq,
      timestamp: seq * 1000,
    };
    const { line, link } = sealEntry(entry, previous);
    lines.push(line);
    previous = link;
  }
  return lines;
}

/** Where the chain breaks: the number of the line, from 1; 0 when it does not. */
function brokenAt(lines: readonly string[]): number {
  let previous: ChainLink = GENESIS;
  for (const [index, line] of lines.entries()) {
    const next = checkLine(line, previous);
    if ('wrong' in next) return index + 1;
    previous = next;
  }
  return 0;
}

test('what was sealed is read back and accepted, on one line whatever is in it', () => {
  const entry: AuditEntry = {
    ...auditContent({ username: hostile, request: hostile }),
    seq: 1,
    timestamp: 1234,
  };
  const { line, link } = sealEntry(entry, GENESIS);
  assert.doesNotMatch(line, /[\n\r\u2028\u2029]/);
  assert.deepEqual(readEntry(line), { entry, hash: link.hash });
  assert.equal(brokenAt(chain(5)), 0);
});

test('a changed, removed, added or moved entry is found', () => {
  const lines = chain(5);
  const [one = '', two = '', three = '', four = '', five = ''] = lines;
  for (const field of [
    'timestamp',
    'username',
    'remote_ip',
    'application',
    'action',
    'affected_id',
    'client_id',
  ]) {
    const fields = JSON.parse(three) as Record<string, unknown>;
    const changed = { ...fields, [field]: field === 'timestamp' ? '2027-01-01T00:00:00.000Z' : 'other' };
    assert.equal(brokenAt([one, two, JSON.stringify(changed), four, five]), 3, field);
  }
  assert.equal(brokenAt([one, two, four, five]), 3);
  assert.equal(brokenAt([two, three]), 1);
  assert.equal(brokenAt([one, two, two, three]), 3);
  assert.equal(brokenAt([one, three, two, four]), 2);
  assert.equal(brokenAt([one, 'no JSON', three]), 2);
  assert.equal(brokenAt([one, `${two} `, three]), 2);
  assert.equal(brokenAt([one, two.replace('"hash"', '"more":1,"hash"'), three]), 2);
});

test('an entry sealed anew breaks the chain at the next one', () => {
  const [one = '', two = '', three = ''] = chain(3);
  const forged = readEntry(two)!.entry;
  const first = readEntry(one)!;
  const { line } = sealEntry({ ...forged, username: 'bob' }, { seq: 1, hash: first.hash });
  assert.equal(brokenAt([one, line]), 0);
  assert.equal(brokenAt([one, line, three]), 3);
});
