import assert from 'node:assert/strict';
import { createPublicKey, verify } from 'node:crypto';
import { test } from 'node:test';
import { createHostKey, expandSeed, scalarOf } from '../../src/protocol/host-key.js';

/** Seed, expanded bytes, scalar, fingerprint; spec 01 §4.2. */
const vectors = [
  [
    'Z4mQqmkDnexNNR4giNU3Me',
    'c5edcbfd96f3c205aaa233c17863e08c75c9fc9ee72e5149fc0d3785f4cb415cef9e09d28d10c77a',
    '4195f5c61b825289a9aa9158b53923c456d94adce249ec5a99df979e0de4f78b',
    '5d:b3:ee:37:b2:31:cc:ce:93:d4:69:21:16:5d:36:11',
  ],
  [
    'test',
    '59851a5267c47953dfe72a606c3cb982c6a1f4fea28a4344e31567a3c5eeb571e9342d920565e6af',
    '47aba3b3aaf325dcde188abe42727523dd67317d5bc8a9de414ff12e7adec4d0',
    'aa:0d:c9:17:67:75:6f:a6:ec:49:65:d4:0f:eb:92:01',
  ],
  [
    '<YOUR_SEED>',
    '09ca6792355189995befc494828ba9af6dfcf5d22c7d397dc69926987fd88a9694248b4a0fd70d5b',
    '91414e2d436fb884708de3e5aa8b322cdfa6630229609a0647b270acb59f78ec',
    '48:61:46:ee:b0:c7:0b:df:79:0b:2a:4b:53:32:ea:a9',
  ],
  [
    '5448e69530b4b97fb510f96ff1550500b093',
    'ba3f95a82f5d31607bb520877a3db2857c46f449fb68d38838690cc1c974cf8a3987ff8dec82c63b',
    'ab1251e690a0eb7dad17cc89f504d496f2dd879ff35930cc841c01646aa86bbc',
    '36:98:56:12:f3:dc:e5:8d:ac:96:48:23:b6:f0:42:15',
  ],
  [
    'a',
    '0382af66b15c7a4e50244dd5501c5e47ee1a67e36240db54e8a6ccfc6b9a5f1078a14f46c41ec476',
    '0180c8239b3d3492ef05f3a1132039891d4b9a1b90b9a69d72d99a84b05b92e7',
    'ab:1d:a0:16:60:29:62:23:ea:39:cc:a3:f9:17:13:39',
  ],
  [
    '0123456789abcdef0123456789abcdef0123',
    'ddaac7989f06b61ae2b86ac396a84f219256773469fe0478a4757d318b5ef05b1189ad47b31e0372',
    '81bf20dd19f6d16ecc6fd3bab733801713851ebc1d74baf08b2cae454442dc83',
    'ae:c4:27:24:da:14:fd:c9:55:6e:91:ae:59:6d:0c:78',
  ],
  [
    'pässwörd ✓',
    '11f0a4892740c590e71d42ed5365d21f5ed39f165707d710dfc997246f0ffc791e3ec2ba8fece505',
    '0e5e087e1a34680563875b05caecbf34691226923f6e32e255f0d452ec17fae6',
    'ae:87:7a:46:2b:88:52:b0:8d:fe:3b:24:82:3a:07:2e',
  ],
] as const;

for (const [seed, expanded, scalar, fingerprint] of vectors) {
  test(`seed ${JSON.stringify(seed)} gives the reference's key`, () => {
    assert.equal(expandSeed(Buffer.from(seed)).toString('hex'), expanded);
    assert.equal(scalarOf(seed).toString('hex'), scalar);
    assert.equal(createHostKey(seed).fingerprint, fingerprint);
  });
}

test('the public key of the first vector is exact', () => {
  assert.equal(
    createHostKey('Z4mQqmkDnexNNR4giNU3Me').publicBlob.subarray(-65).toString('hex'),
    '043385fe25c08000651c012fdc7d0e6217c7af063c292438606c967f95061c03a2' +
      '57df85a48c8e0d6a59a2bf1d694bb0f8b6aeccdaee892832ba15fee48d6c4165',
  );
});

test('an empty seed gives another key each time', () => {
  assert.notEqual(createHostKey('').fingerprint, createHostKey('').fingerprint);
});

test('signatures verify and their numbers are minimal and positive', () => {
  const key = createHostKey('a');
  const point = key.publicBlob.subarray(-65);
  const publicKey = createPublicKey({
    format: 'jwk',
    key: {
      kty: 'EC',
      crv: 'P-256',
      x: point.subarray(1, 33).toString('base64url'),
      y: point.subarray(33).toString('base64url'),
    },
  });
  for (let round = 0; round < 300; round += 1) {
    const data = Buffer.from(`message ${round}`);
    const blob = key.sign(data);
    const fixed: Buffer[] = [];
    for (let at = 0; at < blob.length; ) {
      const length = blob.readUInt32BE(at);
      const number = blob.subarray(at + 4, at + 4 + length);
      assert.ok((number[0] ?? 0) < 0x80, 'positive');
      assert.ok(number[0] !== 0 || (number[1] ?? 0) >= 0x80, 'no needless zero');
      fixed.push(Buffer.from(number.toString('hex').replace(/^00/, '').padStart(64, '0'), 'hex'));
      at += 4 + length;
    }
    assert.ok(verify('sha256', data, { key: publicKey, dsaEncoding: 'ieee-p1363' }, Buffer.concat(fixed)));
  }
});
