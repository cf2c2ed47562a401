import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatAccessLine, redactUri } from '../../src/logging/access-line.js';
import { createLogger, type LevelSetting } from '../../src/logging/create-logger.js';
import { forwardLines } from '../../src/logging/forward-lines.js';
import type { LogLevel } from '../../src/logging/logger.js';
import { formatRequestLine, formatSize } from '../../src/logging/request-line.js';

const at = new Date(2026, 10, 23, 15, 5, 58, 579).getTime();

function logger(level: LogLevel, prefix?: string) {
  const lines: string[] = [];
  const sink = (line: string): void => void lines.push(line);
  const clock = { now: () => at };
  return { lines, log: createLogger({ level, sink, clock, ...(prefix === undefined ? {} : { prefix }) }) };
}

describe('a log line', () => {
  it('is local time, level, prefixes and message', () => {
    const { lines, log } = logger('info', 'server');
    log.info('Fingerprint aa:bb');
    log.named('acme').error('no');
    assert.deepEqual(lines, [
      '2026/11/23 15:05:58 info: server: Fingerprint aa:bb',
      '2026/11/23 15:05:58 error: server: acme: no',
    ]);
  });

  it('follows a level that changes, under every prefix', () => {
    const level: LevelSetting = { current: 'error' };
    const lines: string[] = [];
    const log = createLogger({ level, sink: (line) => void lines.push(line), clock: { now: () => at } });
    const named = log.named('api');
    named.debug('before');
    level.current = 'debug';
    named.debug('after');
    assert.equal(log.level, 'debug');
    assert.deepEqual(lines, ['2026/11/23 15:05:58 debug: api: after']);
  });

  it('is written when its level is wanted', () => {
    const wanted: Record<LogLevel, string[]> = {
      error: ['e'],
      info: ['e', 'i', 'r'],
      debug: ['e', 'i', 'd', 'r'],
    };
    for (const level of ['error', 'info', 'debug'] as const) {
      const { lines, log } = logger(level);
      log.error('e');
      log.info('i');
      log.debug('d');
      log.raw('r');
      assert.deepEqual(
        lines.map((line) => line.split(' ').at(-1)),
        wanted[level],
      );
    }
  });

  it('cannot be forged, and carries no terminal codes', () => {
    const { lines, log } = logger('info', 'server');
    log.info('bad id\r\n2026/11/23 15:05:58 info: server: all is well\u001b[2J\u0000\u2028\u009b');
    log.named('client#1\nx').info('m');
    log.raw('GET /\n 200');
    for (const line of lines) assert.doesNotMatch(line, /\p{Cc}|\u2028/u);
    assert.match(lines[0] ?? '', /bad id\\r\\n2026.*\\x1b\[2J\\x00\\u2028\\x9b$/);
    assert.equal(lines.length, 3);
  });

  it('has a bounded length', () => {
    const { lines, log } = logger('info');
    log.info('x'.repeat(1_000_000));
    assert.ok((lines[0] ?? '').length < 5_000);
    assert.match(lines[0] ?? '', /… \(1000000 characters\)$/);
  });
});

describe('an HTTP request line', () => {
  const request = {
    receivedAt: at,
    method: 'GET',
    path: '/api/v1/clients',
    status: 200,
    duration: 2.9,
    size: 13,
    remoteAddress: '203.0.113.5',
  };
  const line = (changes: Partial<typeof request> = {}): string => {
    const all = { ...request, ...changes };
    return formatRequestLine(all, all);
  };
  it('has the time of the start, duration without fraction, size and address', () => {
    assert.equal(line(), '2026/11/23 15:05:58.579 GET /api/v1/clients 200 2ms 13B (203.0.113.5)');
  });
  it('leaves out an empty size and the address of this machine', () => {
    assert.equal(
      line({ size: 0, remoteAddress: '127.0.0.1', duration: 0.25 }),
      '2026/11/23 15:05:58.579 GET /api/v1/clients 200 250\u00b5s',
    );
    assert.match(line({ remoteAddress: '::1' }), /13B$/);
  });
  it('matches the fail2ban pattern of the documentation', () => {
    assert.match(line({ status: 404, size: 0, duration: 61_500 }), /404 1m1s \(203\.0\.113\.5\)$/);
  });
  it('cannot be forged through method or path', () => {
    assert.doesNotMatch(line({ path: '/a\n2026 GET /b', remoteAddress: '1\n2' }), /\n/);
  });
  it('writes sizes with three digits', () => {
    const sizes: [number, string][] = [
      [1, '1B'],
      [999, '999B'],
      [1_200, '1.2KB'],
      [1_234, '1.23KB'],
      [45_600_000, '45.6MB'],
      [999_600, '1MB'],
    ];
    for (const [bytes, text] of sizes) assert.equal(formatSize(bytes), text);
  });
});

describe('an access log line', () => {
  const access = {
    ip: '203.0.113.5',
    at,
    method: 'GET',
    uri: '/api/v1/status',
    status: 200,
    size: 686,
    referer: '',
    userAgent: 'curl/8',
  };
  it('is in Combined Log Format', () => {
    assert.match(
      formatAccessLine(access),
      /^203\.0\.113\.5 - - \[23\/Nov\/2026:15:05:58 [+-]\d{4}\] "GET \/api\/v1\/status HTTP\/1\.1" 200 686 "" "curl\/8"$/,
    );
  });
  it('never holds an access token, however it is spelt', () => {
    for (const uri of [
      '/ws?access_token=s3cret',
      '/ws?a=b&access%5Ftoken=s3cret&c=d',
      '/ws?Access_Token=s3cret',
      '/ws?access_token=x?access_token=s3cret',
    ]) {
      const line = formatAccessLine({ ...access, uri, referer: `https://example.com${uri}` });
      assert.doesNotMatch(line, /s3cret/);
    }
    assert.equal(redactUri('/ws?a=b&access_token=s3cret&c=d'), '/ws?a=b&access_token=***&c=d');
    assert.equal(redactUri('/ws?%zz=1'), '/ws?%zz=1');
    assert.equal(redactUri('/oauth/login?code=c&State=s'), '/oauth/login?code=***&State=***');
    assert.equal(redactUri('/oauth/login/device?device_code=d'), '/oauth/login/device?device_code=***');
  });
  it('keeps fields inside their quotes', () => {
    const line = formatAccessLine({ ...access, userAgent: 'x" 200 1 "\n\\' });
    assert.match(line, /"x\\" 200 1 \\"\\x0a\\\\"$/);
  });
});

describe('lines of a worker thread', () => {
  it('of one turn are forwarded as one message, in order', async () => {
    const posted: string[] = [];
    const { sink } = await new Promise<{ sink: (line: string) => void }>((resolve) => {
      const forwarder = forwardLines((lines) => {
        posted.push(lines);
        resolve(forwarder);
      });
      forwarder.sink('a');
      forwarder.sink('b');
    });
    assert.deepEqual(posted, ['a\nb']);
    assert.equal(typeof sink, 'function');
  });
  it('can be flushed before the thread ends', () => {
    const posted: string[] = [];
    const forwarder = forwardLines((lines) => void posted.push(lines));
    forwarder.sink('last words');
    forwarder.flush();
    forwarder.flush();
    assert.deepEqual(posted, ['last words']);
  });
});
