import assert from 'node:assert/strict';
import { test } from 'node:test';
import { atOnce } from '../../src/clients/in-turns.js';
import { decodeInPieces, decodeReport } from '../../src/jobs/report/decode-report.js';
import { decodeSmallReport } from '../../src/jobs/report/decode-small-report.js';
import { LARGEST_OUTPUT } from '../../src/jobs/report/report-fields.js';

const NOW = '2026-01-01T00:00:00.000Z';
const decode = (value: unknown) => {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return atOnce(decodeReport(Buffer.from(text), NOW));
};
const stdoutOf = (value: unknown): string =>
  JSON.parse(decode(value).report.output?.stdout ?? '""') as string;
const job = (result: object | null, more: object = {}) => ({
  jid: 'j',
  status: 'successful',
  finished_at: '2024-03-01T10:00:01.123456789+01:00',
  started_at: '2024-03-01T10:00:00+01:00',
  pid: 7,
  error: '',
  result,
  ...more,
});

test('times stay as they are, what is missing or wrong gets a sensible value', () => {
  const { jid, report, startedAt } = decode(job({ stdout: 'a', stderr: 'b', summary: 'c' }));
  assert.equal(jid, 'j');
  assert.equal(startedAt, '2024-03-01T10:00:00+01:00');
  assert.deepEqual(report, {
    status: 'successful',
    finishedAt: '2024-03-01T10:00:01.123456789+01:00',
    pid: 7,
    error: '',
    output: { stdout: '"a"', stderr: '"b"', summary: '"c"' },
  });
  const bare = decode({ JID: 'x', status: 'running', finished_at: 'soon', pid: 1.5, result: null });
  assert.deepEqual(bare, {
    jid: 'x',
    startedAt: null,
    report: { status: 'unknown', finishedAt: NOW, pid: null, error: '', output: null },
  });
});

test('text of any kind is read in pieces as it would be in one', () => {
  const units = ['a', 'ä', '\u20ac', '\ud83d\ude00', '\n', '"', '\\', '<', '\u2028', '\u0001'];
  // Different lengths of the units shift them over the borders of the pieces.
  for (let shift = 0; shift < 13; shift++) {
    const stdout = 'x'.repeat(shift) + units.join('').repeat(15_000);
    assert.equal(stdoutOf(job({ stdout, stderr: '', summary: '' })) === stdout, true, `shift ${shift}`);
    const escaped = JSON.stringify(job({ stdout, stderr: '', summary: '' })).replace(
      /[\u0080-\uffff]/g,
      (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
    assert.equal(stdoutOf(escaped) === stdout, true, `escaped, shift ${shift}`);
  }
});

test('what is no Unicode becomes the replacement character', () => {
  const broken = Buffer.concat([
    Buffer.from('{"jid":"j","result":{"stdout":"'),
    Buffer.from([0xff, 0x80, 0x80, 0x80, 0x80]),
    Buffer.from('\\ud83d"}}'),
  ]);
  const { report } = atOnce(decodeReport(broken, NOW));
  assert.equal(JSON.parse(report.output?.stdout ?? ''), `${'\ufffd'.repeat(5)}\ufffd`);
});

test('output is cut at the bound, never inside of a character', () => {
  const { report } = decode(job({ stdout: `x${'ä'.repeat(LARGEST_OUTPUT / 2)}`, stderr: '', summary: '' }));
  const stdout = JSON.parse(report.output?.stdout ?? '') as string;
  assert.equal(Buffer.byteLength(stdout), LARGEST_OUTPUT - 1);
  assert.equal(stdout.endsWith('ä'), true);
  assert.equal(report.error, 'stdout truncated by the server to 4194304 bytes');
});

test('garbage is refused, whatever it looks like', () => {
  for (const text of [
    '',
    'null',
    '[]',
    '{',
    '{}',
    '{"jid":""}',
    '{"jid":5}',
    '{"jid":"j"',
    '{"jid" "j"}',
    '{"jid":"j","result":[]}',
    '{"jid":"j","result":{"stdout":5}}',
    '{"jid":"j","result":{"stdout":"\u0001"}}',
    '{"jid":"j","error":"\\x"}',
    `{"jid":"j","x":${'['.repeat(1000)}`,
    `{${Array.from({ length: 100 }, (_, n) => `"k${n}":1`).join(',')},"jid":"j"}`,
    `{"${'k'.repeat(1000)}":1}`,
  ]) {
    assert.throws(() => decode(text), { name: 'ReportError' }, text.slice(0, 60));
  }
});

test('values nobody asked for are skipped, however they nest', () => {
  assert.equal(decode('{"a":{"b":["}\\"",{}]},"n":-1e5 ,"t":true,"jid" : "j" }').jid, 'j');
});

test('a small result is read as a large one would be', () => {
  const texts = [
    JSON.stringify(job({ stdout: 'uid=0(root) <&> \u2028 "\\\n\u0001', stderr: 'ä€😀', summary: '' })),
    JSON.stringify(job({ stdout: 'half \ud83d', stderr: '\udc00', summary: 'c' }, { error: 'no \ud800' })),
    '{"JID":"j","Status":"failed","Result":{"STDOUT":"a"},"pid":1e2,"finished_at":"2024-03-01T10:00:01Z"}',
    ' {"jid" : "j" , "pid": -7, "started_at": 5, "status": ["successful"], "error": null, "result": {} } ',
    '{"jid":"j","pid":9007199254740992,"more":{"jid":"k","result":[1,{"a":null}]},"__proto__":{"jid":"p"}}',
    '{"\\u006aid":"j","result":{"stdout":null,"stderr":"b"}}',
  ];
  for (const text of texts) {
    const small = decodeSmallReport(Buffer.from(text), NOW);
    assert.notEqual(small, null, text);
    assert.deepEqual(small, atOnce(decodeInPieces(Buffer.from(text), NOW)), text);
  }
  const broken = Buffer.concat([
    Buffer.from('{"jid":"j","result":{"stdout":"'),
    Buffer.from([0xff, 0xe2, 0x82]),
    Buffer.from('"}}'),
  ]);
  assert.deepEqual(decodeSmallReport(broken, NOW), atOnce(decodeInPieces(broken, NOW)));
});

test('a small result that is not as usual is looked at closely', () => {
  const result = { stdout: '', stderr: '', summary: '' };
  const unusual = [
    '{"jid":"j","JID":"k"}',
    '{"jid":"j","result":{"stdout":"a","Stdout":"b"}}',
    '{"jid":"j"} more',
    '{"jid":"j","result":[]}',
    '{"jid":"j","result":{"stdout":1}}',
    '{"jid":"j","error":1}',
    '{"status":"failed"}',
    '[]',
    'null',
    '',
    JSON.stringify(job(result, { error: 'x'.repeat(17_000) })),
    JSON.stringify(Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`jid${index}`, 1]))),
  ];
  for (const text of unusual) assert.equal(decodeSmallReport(Buffer.from(text), NOW), null, text);
  assert.equal(decode('{"jid":"j","JID":"k"}').jid, 'k');
  assert.equal(decode(job(result, { error: 'x'.repeat(17_000) })).report.error.length, 16 * 1024);
});
