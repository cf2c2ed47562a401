import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseRemote } from '../../src/tunnels/parse-remote.js';
import { overlaps, remoteText, targetAddress } from '../../src/tunnels/remote-text.js';
import { remote } from '../support/remotes.js';

/** protocol | lhost | lport | rhost | rport, `-` = empty; or the error. */
function read(text: string): string {
  const parsed = parseRemote(text);
  if (!parsed.ok) return parsed.error;
  const { protocol, lhost, lport, rhost, rport } = parsed.value;
  return [protocol, lhost, lport, rhost, rport].map((part) => part || '-').join(' | ');
}

describe('the text of a remote (spec 05 §26.1)', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['3000', 'tcp | - | - | 127.0.0.1 | 3000'],
    ['foobar.com:3000', 'tcp | - | - | foobar.com | 3000'],
    ['3000:google.com:80', 'tcp | 0.0.0.0 | 3000 | google.com | 80'],
    ['3000:80', 'tcp | 0.0.0.0 | 3000 | 127.0.0.1 | 80'],
    ['192.168.0.1:3000:google.com:80', 'tcp | 192.168.0.1 | 3000 | google.com | 80'],
    ['3000/tcp', 'tcp | - | - | 127.0.0.1 | 3000'],
    ['3000/udp', 'udp | - | - | 127.0.0.1 | 3000'],
    ['3000/tcp+udp', 'tcp+udp | - | - | 127.0.0.1 | 3000'],
    ['foobar.com:3000/udp', 'udp | - | - | foobar.com | 3000'],
    ['3000:google.com:80/udp', 'udp | 0.0.0.0 | 3000 | google.com | 80'],
    ['3000:80/udp', 'udp | 0.0.0.0 | 3000 | 127.0.0.1 | 80'],
    ['192.168.0.1:3000:google.com:80/udp', 'udp | 192.168.0.1 | 3000 | google.com | 80'],
    ['', 'Missing ports'],
    ['abc', 'Missing ports'],
    ['22/sctp', 'Missing ports'],
    ['22/udp/tcp', 'Missing ports'],
    ['22/tcp udp', 'Missing ports'],
    ['a:b:c:d:1', 'Invalid remote'],
    ['%zz:22', 'Invalid host'],
    ['a%4:22', 'Invalid host'],
    ['a\nb:22', 'Invalid host'],
    ['a\x7f:22', 'Invalid host'],
    ['a?%zz:22', 'tcp | - | - | a?%zz | 22'],
    ['a b:22', 'tcp | - | - | a b | 22'],
    [':22', 'tcp | - | - | 127.0.0.1 | 22'],
    ['99999', 'tcp | - | - | 127.0.0.1 | 99999'],
  ];
  for (const [text, expected] of cases) {
    it(`${JSON.stringify(text)} → ${expected}`, () => assert.equal(read(text), expected));
  }

  it('a local host without a port becomes the target (quirk)', () => {
    assert.equal(read('127.0.0.1:22'), 'tcp | - | - | 127.0.0.1 | 22');
  });

  it('later ports and hosts replace the local ones (quirk)', () => {
    assert.equal(
      read('0.0.0.0:3390:3000:22'),
      'tcp | - | 3390 | 0.0.0.0 | 22'.replace('| - |', '| 0.0.0.0 |'),
    );
    assert.equal(read('1:2:3:4'), 'tcp | 0.0.0.0 | 1 | 127.0.0.1 | 4');
  });

  it('takes no time however long the text is', () => {
    const started = process.cpuUsage();
    read(`${'/'.repeat(200_000)}x`);
    read(`${':'.repeat(200_000)}`);
    assert.ok(process.cpuUsage(started).user < 500_000);
  });
});

describe('protocols', () => {
  it('overlap when they share one', () => {
    assert.ok(overlaps('tcp', 'tcp'));
    assert.ok(overlaps('udp', 'udp'));
    assert.ok(overlaps('tcp+udp', 'tcp'));
    assert.ok(overlaps('tcp', 'tcp+udp'));
    assert.ok(overlaps('tcp+udp', 'udp'));
    assert.ok(overlaps('udp', 'tcp+udp'));
    assert.ok(!overlaps('tcp', 'udp'));
    assert.ok(!overlaps('udp', 'tcp'));
  });
});

describe('the canonical text', () => {
  it('names address, protocol and ACL', () => {
    assert.equal(remoteText(remote('22')), '::127.0.0.1:22');
    assert.equal(remoteText(remote('3000:site.com:80')), '0.0.0.0:3000:site.com:80');
    assert.equal(remoteText(remote('3000:53/udp', { acl: '::1' })), '0.0.0.0:3000:127.0.0.1:53/udp(acl:::1)');
    assert.equal(remoteText(remote('22', { acl: '' })), '::127.0.0.1:22(acl:)');
  });

  it('puts an IPv6 target in brackets', () => {
    assert.equal(targetAddress({ rhost: '::1', rport: '22' }), '[::1]:22');
    assert.equal(targetAddress({ rhost: 'h', rport: '22' }), 'h:22');
  });
});
