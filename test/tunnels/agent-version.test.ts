import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { atLeast, parseAgentVersion } from '../../src/tunnels/agent-version.js';

const reaches = (text: string, release: string): boolean => {
  const version = parseAgentVersion(text);
  assert.ok(version.ok, text);
  return atLeast(version.value, release);
};

describe('agent versions (spec 01 §14)', () => {
  for (const text of [
    '0.6.4',
    'v0.6.4',
    '0.6.5',
    '0.9.12',
    '0.10',
    '1',
    'v1.2',
    '0.10.0~rc1',
    '0.9.12-24-gabc',
    '0.6.4+b',
  ]) {
    it(`${text} is at least 0.6.4`, () => assert.ok(reaches(text, '0.6.4')));
  }
  for (const text of ['0.6.3', '0.0.0-src', '0.6.4-rc1', '0.6', '0', 'v0.5.9', '0.6.4~beta']) {
    it(`${text} is older than 0.6.4`, () => assert.ok(!reaches(text, '0.6.4')));
  }
  for (const text of ['', 'abc', 'latest', '1..2', '1.2.', 'vv1', ' 1.2', '1.2\n', '1.2_3']) {
    it(`${JSON.stringify(text)} is malformed`, () =>
      assert.deepEqual(parseAgentVersion(text), { ok: false, error: `Malformed version: ${text}` }));
  }
  it('takes no time however long the text is', () => {
    const started = process.cpuUsage();
    assert.ok(!parseAgentVersion(`1${'-a'.repeat(200_000)}!`).ok);
    assert.ok(!parseAgentVersion(`1${'.1-'.repeat(80)}!`).ok);
    assert.ok(process.cpuUsage(started).user < 500_000);
  });
});
