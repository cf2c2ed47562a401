import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Acl, aclEntryCovers, parseAcl } from '../../src/tunnels/acl.js';
import { formatIpAddress, parseIpAddress } from '../../src/tunnels/ip-address.js';

function acl(text: string): Acl {
  const parsed = parseAcl(text);
  assert.ok(parsed.ok, parsed.ok ? '' : parsed.error);
  assert.ok(parsed.value);
  return parsed.value;
}

const reason = (text: string): string => {
  const parsed = parseAcl(text);
  return parsed.ok ? 'accepted' : parsed.error;
};

const everyone = (ip: string): string =>
  `${ip} would allow access to everyone. If that's what you want, do not set the ACL`;

describe('an ACL (spec 05 §9)', () => {
  it('is absent when empty', () => {
    assert.deepEqual(parseAcl(null), { ok: true, value: null });
    assert.deepEqual(parseAcl(''), { ok: true, value: null });
  });

  const errors: readonly (readonly [string, string])[] = [
    ['0.0.0.0', everyone('0.0.0.0')],
    ['0.0.0.0/8', everyone('0.0.0.0')],
    ['::', everyone('::')],
    ['::/64', everyone('::')],
    ['::ffff:0.0.0.0', everyone('0.0.0.0')],
    ['invalid.ip', 'invalid IP addr: invalid.ip'],
    ['1.2.3.4,', 'invalid IP addr: '],
    ['1.2.3.4, 5.6.7.8', 'invalid IP addr:  5.6.7.8'],
    ['192.168.01.1', 'invalid IP addr: 192.168.01.1'],
    ['fe80::1%eth0', 'invalid IP addr: fe80::1%eth0'],
    ['1.2.3.4/33', 'invalid CIDR address: 1.2.3.4/33'],
    ['1.2.3/24', 'invalid CIDR address: 1.2.3/24'],
    ['1.2.3.4/', 'invalid CIDR address: 1.2.3.4/'],
    ['1.2.3.4/-1', 'invalid CIDR address: 1.2.3.4/-1'],
    ['2001:db8::/129', 'invalid CIDR address: 2001:db8::/129'],
    ['1.2.3.4/24/1', 'invalid CIDR address: 1.2.3.4/24/1'],
    ['256.1.1.1', 'invalid IP addr: 256.1.1.1'],
    ['1:2:3', 'invalid IP addr: 1:2:3'],
    ['1::2::3', 'invalid IP addr: 1::2::3'],
  ];
  for (const [text, error] of errors) {
    it(`refuses ${JSON.stringify(text)}`, () => assert.equal(reason(text), error));
  }

  const matches: readonly (readonly [string, readonly string[], readonly string[]])[] = [
    ['192.0.2.1', ['192.0.2.1', '::ffff:192.0.2.1', '::ffff:c000:201'], ['192.0.2.2', '::1']],
    ['192.0.2.0/24', ['192.0.2.0', '192.0.2.255'], ['192.0.3.0', '192.0.1.255']],
    ['192.0.2.9/24', ['192.0.2.200'], ['192.0.3.9']],
    ['192.0.2.1,192.0.2.2/31', ['192.0.2.1', '192.0.2.2', '192.0.2.3'], ['192.0.2.4']],
    ['2001:db8::1', ['2001:db8::1', '2001:0db8:0:0:0:0:0:1'], ['2001:db8::2', '192.0.2.1']],
    ['2001:db8::/64', ['2001:db8::ffff:1'], ['2001:db8:0:1::1']],
    ['2001:db8::/20', ['2001:dff::1'], ['2001:1000::1']],
    ['::1,127.0.0.0/24', ['::1', '127.0.0.77', '::ffff:127.0.0.1'], ['127.0.1.1', '::2']],
    ['10.0.0.0/0', ['1.2.3.4', '::ffff:255.255.255.255'], ['::1']],
    ['::ffff:1.2.3.0/120', ['1.2.3.77', '::ffff:1.2.3.1'], ['1.2.4.0']],
    ['1::/0', ['2::1', 'ffff::1'], ['1.2.3.4']],
    ['fe80::/10', ['fe80::1%eth0'], ['fd00::1%eth0']],
  ];
  for (const [text, inside, outside] of matches) {
    it(`${text} admits ${inside.join(', ')} and not ${outside.join(', ')}`, () => {
      const list = acl(text);
      for (const peer of inside) assert.ok(list.allows(peer), peer);
      for (const peer of outside) assert.ok(!list.allows(peer), peer);
    });
  }

  it('admits nobody whose address is unknown', () => {
    assert.ok(!acl('1.2.3.4').allows(''));
    assert.ok(!acl('10.0.0.0/0').allows('pipe'));
  });

  it('has a bound', () => {
    assert.match(reason('1.2.3.4,'.repeat(2000)), /^longer than/);
  });
});

describe('an IP address', () => {
  for (const [text, shown] of [
    ['1.2.3.4', '1.2.3.4'],
    ['::ffff:1.2.3.4', '1.2.3.4'],
    ['::', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
    ['10:0:1:2:3:4:5:6', '10:0:1:2:3:4:5:6'],
    ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
    ['10:00:0:1:1:1:1:1', '10::1:1:1:1:1'],
    ['1:2:3:4:5:6:1.2.3.4', '1:2:3:4:5:6:102:304'],
  ] as const) {
    it(`${text} is shown as ${shown}`, () => {
      const address = parseIpAddress(text);
      assert.ok(address);
      assert.equal(formatIpAddress(address), shown);
    });
  }

  for (const text of [
    '',
    '1',
    '1.2.3',
    '1.2.3.4.5',
    ':',
    ':::',
    '1:::2',
    '1.2.3.4::',
    '12345::',
    '1:2:3:4:5:6:7::8:9',
    'g::',
  ]) {
    it(`${JSON.stringify(text)} is none`, () => assert.equal(parseIpAddress(text), undefined));
  }
});

describe('an entry inside another one', () => {
  for (const [listed, entry, expected] of [
    ['10.0.0.0/8', '10.1.2.3', true],
    ['10.0.0.0/8', '10.1.0.0/16', true],
    ['10.0.0.0/8', '10.0.0.0/8', true],
    ['10.0.0.0/8', '10.0.0.0/7', false],
    ['10.0.0.0/8', '11.0.0.1', false],
    ['10.0.0.1', '10.0.0.1/32', true],
    ['10.0.0.1', '10.0.0.0/31', false],
    ['0.0.0.0/0', '192.0.2.1', true],
    ['0.0.0.0/0', '2001:db8::1', false],
    ['::/0', '2001:db8::/32', true],
    ['::/0', '192.0.2.1', false],
    ['::ffff:10.0.0.0/104', '10.1.2.3', true],
    ['2001:db8::/32', '2001:db8:1::/48', true],
    ['somewhere', 'somewhere', false],
    ['10.0.0.0/8', '', false],
    ['', '10.0.0.1', false],
    ['10.0.0.0/33', '10.0.0.1', false],
  ] as const) {
    it(`${listed} ${expected ? 'covers' : 'does not cover'} ${entry}`, () =>
      assert.equal(aclEntryCovers(listed, entry), expected));
  }
});
