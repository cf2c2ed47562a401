import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { remotesToReestablish } from '../../src/tunnels/reestablish.js';
import type { Remote } from '../../src/tunnels/remote.js';
import { remoteText } from '../../src/tunnels/remote-text.js';
import { remote, tunnel } from '../support/remotes.js';

/** An old tunnel whose port was chosen here. */
const random = (target: string, port: number, acl: string | null = null): Remote =>
  remote(`${port}:${target}`, { lportRandom: true, acl });

const withAcl = (text: string, acl: string): Remote => remote(text, { acl });

function survivors(old: readonly Remote[], requested: readonly Remote[]): string[] {
  const records = old.map((one, index) => tunnel(String(index + 1), one));
  return remotesToReestablish(records, requested).map((one) => remoteText(one.remote));
}

const explicitA = remote('192.168.0.1:3000:google.com:80');
const explicitB = remote('3000:site.com:80');
const randomC = random('foobar.com:3000', 20_001);
const randomD = random('127.0.0.1:3000', 20_002);
const four = [explicitA, explicitB, randomC, randomD];
const fourRequested = [explicitA, explicitB, remote('foobar.com:3000'), remote('3000')];

describe('old tunnels that survive a new connection (spec 05 §26.6)', () => {
  it('1: none of none', () => assert.deepEqual(survivors([], []), []));

  it('2: all when the agent asks for nothing, random ones without a port', () => {
    assert.deepEqual(survivors(four, []), [
      '192.168.0.1:3000:google.com:80',
      '0.0.0.0:3000:site.com:80',
      '::foobar.com:3000',
      '::127.0.0.1:3000',
    ]);
  });

  it('remembers the port a random one had, and keeps every other attribute', () => {
    const old = tunnel('7', {
      ...random('h:22', 20_009, '10.0.0.1'),
      name: 'n',
      owner: 'bob',
      scheme: 'ssh',
      idleTimeoutMinutes: 7,
      autoClose: 9,
    });
    const [one] = remotesToReestablish([old], []);
    assert.equal(one?.preferredPort, 20_009);
    const { id: _id, createdAt: _createdAt, ...attributes } = old;
    assert.deepEqual(one?.remote, { ...attributes, lhost: '', lport: '' });
    assert.equal(remotesToReestablish([tunnel('1', explicitA)], [])[0]?.preferredPort, null);
  });

  it('3: none when there were none', () => assert.deepEqual(survivors([], fourRequested), []));

  it('4: none left when all are asked for', () => assert.deepEqual(survivors(four, fourRequested), []));

  it('5: the ones not asked for', () => {
    const others = [
      remote('192.168.0.1:3001:google.com:80'),
      remote('3001:site.com:80'),
      random('foobar.com:3001', 20_003),
      random('127.0.0.1:3001', 20_004),
    ];
    assert.deepEqual(survivors([...four, ...others], fourRequested), [
      '192.168.0.1:3001:google.com:80',
      '0.0.0.0:3001:site.com:80',
      '::foobar.com:3001',
      '::127.0.0.1:3001',
    ]);
  });

  const randoms = [1, 2, 3, 4].map((index) => random('foobar:22', 2000 + index));
  it('6: explicit ports equal to former random ones count as those tunnels', () => {
    const requested = [1, 2, 3, 4].map((index) => remote(`${2000 + index}:foobar:22`));
    assert.deepEqual(survivors([explicitA, ...randoms], requested), [remoteText(explicitA)]);
  });

  it('7: two by port and two without', () => {
    const requested = [
      remote('foobar:22'),
      remote('2001:foobar:22'),
      remote('foobar:22'),
      remote('2003:foobar:22'),
    ];
    assert.deepEqual(survivors([explicitA, ...randoms], requested), [remoteText(explicitA)]);
  });

  it('8: none when one of the ports was not among them', () => {
    assert.deepEqual(
      survivors([explicitA, ...randoms], [remote('2001:foobar:22'), remote('2009:foobar:22')]),
      [],
    );
  });

  it('9: in either order', () => {
    const old = [explicitA, random('foobar:22', 2001), random('foobar:22', 2002)];
    const requested = [remote('foobar:22'), remote('2001:foobar:22')];
    assert.deepEqual(survivors(old, requested), [remoteText(explicitA)]);
    assert.deepEqual(survivors(old, [...requested].reverse()), [remoteText(explicitA)]);
  });

  it('10: similar ones are used up one by one', () => {
    assert.deepEqual(
      survivors(
        [explicitA, ...randoms],
        randoms.map(() => remote('foobar:22')),
      ),
      [remoteText(explicitA)],
    );
  });

  it('11: none when more are asked for than there were', () => {
    assert.deepEqual(survivors([explicitA], [explicitA, explicitB]), []);
  });

  it('12: none when the requested one differs in any part', () => {
    for (const old of [
      '192.168.0.2:3000:google.com:80',
      '192.168.0.1:3001:google.com:80',
      '192.168.0.1:3000:google.org:80',
      '192.168.0.1:3000:google.com:81',
      'google.com:80',
      '192.168.0.1:3000:google.com:80/udp',
    ]) {
      assert.deepEqual(survivors([remote(old)], [explicitA]), [], old);
    }
  });

  it('13: likewise for the short forms', () => {
    assert.deepEqual(survivors([remote('3001:site.com:80')], [explicitB]), []);
    assert.deepEqual(survivors([remote('3000:site.org:80')], [explicitB]), []);
    assert.deepEqual(survivors([random('foobar.org:3000', 20_001)], [remote('foobar.com:3000')]), []);
    assert.deepEqual(survivors([random('foobar.com:3001', 20_001)], [remote('foobar.com:3000')]), []);
    assert.deepEqual(survivors([random('127.0.0.1:3001', 20_001)], [remote('3000')]), []);
    assert.deepEqual(
      survivors([remote('20001:3000')], [remote('3000')]),
      [],
      'an explicit one is not random',
    );
  });

  it('14: none with another ACL', () => {
    assert.deepEqual(survivors([withAcl('3000:site.com:80', '10.0.0.1')], [explicitB]), []);
    assert.deepEqual(survivors([random('foobar:22', 2001, '10.0.0.1')], [remote('foobar:22')]), []);
    assert.deepEqual(survivors([random('foobar:22', 2001)], [withAcl('foobar:22', '10.0.0.1')]), []);
  });

  it('15: ACLs tell two tunnels to one target apart', () => {
    assert.deepEqual(
      survivors([withAcl('2222:22', 'A'), withAcl('3333:22', 'B')], [withAcl('2222:22', 'A')]),
      ['0.0.0.0:3333:127.0.0.1:22(acl:B)'],
    );
  });

  it('16 and 17: random ones with ACLs', () => {
    const [a, b, c] = ['A', 'B', 'C'].map((acl, index) => random('h:22', 2001 + index, acl)) as [
      Remote,
      Remote,
      Remote,
    ];
    const requested = [withAcl('h:22', 'A'), withAcl('h:22', 'B')];
    assert.deepEqual(survivors([a, b], requested), []);
    assert.deepEqual(survivors([a, b, c], requested), ['::h:22(acl:C)']);
  });
});
