import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DecodeError, parseObject } from '../../../../src/actors/client/decode/go-json.js';
import { decodeMeasurement } from '../../../../src/actors/client/decode/measurement.js';
import { scanMeasurement } from '../../../../src/actors/client/decode/scan-measurement.js';
import { clientId } from '../../../../src/ids.js';
import { seeded } from '../../../support/random.js';

const ORDINARY =
  '{"client_id":"","timestamp":"2024-05-01T10:00:00.123456789Z","cpu_usage_percent":12.5,' +
  '"memory_usage_percent":61.23456789012345,"io_usage_percent":1e-07,"processes":"[{\\"pid\\":1}]",' +
  '"mountpoints":"{\\"free_b./\\":1}","net_lan":{"in":3000,"out":2000},"net_wan":null}';

/** The text a scanned one stands for; `undefined` when it is no JSON string. */
function unescaped(inner: string | Buffer): string | undefined {
  try {
    return (JSON.parse(`"${inner}"`) as string).toWellFormed();
  } catch {
    return undefined;
  }
}

/** The general decoder, without the way through the scanner. */
function decoded(payload: Buffer): object | undefined {
  try {
    const spaced = Buffer.concat([payload, Buffer.from(' ')]);
    return decodeMeasurement(spaced, clientId('c'), 0, 1e6);
  } catch (error) {
    assert.ok(error instanceof DecodeError);
    return undefined;
  }
}

/** True when the scanner took it. */
function agrees(payload: Buffer): boolean {
  const scanned = scanMeasurement(payload, clientId('c'), 0);
  if (scanned === null) return false;
  const processes = unescaped(scanned.processes);
  const mountpoints = unescaped(scanned.mountpoints);
  const general = decoded(payload);
  if (processes === undefined || mountpoints === undefined) return true;
  // Control characters in the id or the time, which nobody keeps, are the only other thing the scanner lets pass.
  if (general === undefined) return true;
  assert.deepEqual({ ...scanned, processes, mountpoints }, general, String(payload));
  return true;
}

test('what agents write is scanned, and is what the general decoder makes of it', () => {
  const scanned = scanMeasurement(Buffer.from(ORDINARY), clientId('c'), 0);
  assert.deepEqual(scanned && { ...scanned, processes: String(scanned.processes), mountpoints: '' }, {
    clientId: 'c',
    timestamp: 0,
    cpuUsagePercent: 12.5,
    memoryUsagePercent: 61.23456789012345,
    ioUsagePercent: 1e-7,
    processes: '[{\\"pid\\":1}]',
    mountpoints: '',
    netLan: { in: 3000, out: 2000 },
    netWan: null,
  });
  assert.ok(agrees(Buffer.from(ORDINARY)));
});

test('numbers and texts of every kind', () => {
  const { pick, below } = seeded(7);
  const random = (): number => below(2 ** 32) / 2 ** 32;
  const characters = [
    'a',
    '"',
    '\\',
    '/',
    '\n',
    '<',
    '\u2028',
    'ä',
    '😀',
    '\ud800',
    '","mountpoints":"',
    '{',
    '}',
  ];
  const text = (): string =>
    Array.from({ length: Math.floor(random() * 12) }, () => pick(characters)).join('');
  const number = (): number =>
    pick([0, random(), random() * 100, below(1e6), random() * 1e-9, random() * 1e300, -random()]);
  const traffic = (): object | null =>
    pick([null, { in: below(2 ** 53), out: 0 }, { in: 1, out: below(1e9) }]);
  let taken = 0;
  for (let round = 0; round < 5000; round++) {
    const payload = JSON.stringify({
      client_id: '',
      timestamp: '2024-05-01T10:00:00Z',
      cpu_usage_percent: number(),
      memory_usage_percent: number(),
      io_usage_percent: number(),
      processes: text(),
      mountpoints: text(),
      net_lan: traffic(),
      net_wan: traffic(),
    });
    if (agrees(Buffer.from(payload))) taken += 1;
  }
  assert.equal(taken, 5000);
});

test('a payload changed anywhere is refused, or means the same to both', () => {
  const { below, pick } = seeded(11);
  const bytes = [...'{}[]",:\\.-+eE019 nul', '\0', '\x80', '\xff'].map((byte) => byte.charCodeAt(0));
  for (let round = 0; round < 20_000; round++) {
    const payload = Buffer.from(ORDINARY);
    for (let change = 0; change <= below(2); change++) {
      payload[below(payload.length)] = pick(bytes);
    }
    agrees(payload);
    agrees(payload.subarray(0, below(payload.length)));
  }
});

test('other forms are left to the general decoder', () => {
  for (const other of [
    ORDINARY.replace('"processes"', '"Processes"'),
    ORDINARY.replace('"cpu_usage_percent":12.5', '"cpu_usage_percent": 12.5'),
    ORDINARY.replace('12.5', '012.5'),
    ORDINARY.replace('12.5', '.5'),
    ORDINARY.replace('12.5', '1.'),
    ORDINARY.replace('12.5', '1e999'),
    ORDINARY.replace('12.5', 'null'),
    ORDINARY.replace('3000', '-1'),
    ORDINARY.replace('3000', '1.5'),
    ORDINARY.replace('"client_id":"",', ''),
    `${ORDINARY} `,
    `${ORDINARY}}`,
    '{}',
    '',
  ]) {
    assert.equal(scanMeasurement(Buffer.from(other), clientId('c'), 0), null, other);
  }
  assert.equal(parseObject(Buffer.from(ORDINARY)).text('processes'), '[{"pid":1}]');
});
