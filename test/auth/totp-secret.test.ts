/** Secrets and codes of authenticator apps. Spec 02 §9.1 and §24.7. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { totpCode } from '../../src/auth/second-factor/totp/code.js';
import { matchTotp } from '../../src/auth/second-factor/totp/match.js';
import { qrCode } from '../../src/auth/second-factor/totp/qr-code.js';
import {
  newTotpUrl,
  parseTotpUrl,
  type TotpKey,
  TotpKeyError,
} from '../../src/auth/second-factor/totp/secret.js';
import { hasOathtool, oathtool } from '../support/oathtool.js';

const url = (more: Record<string, string> = {}, start = 'otpauth://totp/some:ap'): string => {
  const fields = {
    algorithm: 'SHA1',
    digits: '6',
    issuer: 'some',
    period: '30',
    secret: 'dfadfsadfas',
    ...more,
  };
  return `${start}?${new URLSearchParams(fields)}`;
};
const key = (more: Record<string, string> = {}): TotpKey => {
  const parsed = parseTotpUrl(url(more));
  assert.ok(parsed);
  return parsed;
};
const reasonOf = (stored: string): string => {
  try {
    parseTotpUrl(stored);
    return '';
  } catch (error) {
    assert.ok(error instanceof TotpKeyError);
    assert.equal(error.message, `failed to convert the stored value to TotP secret data: ${error.reason}`);
    return error.reason;
  }
};

test('a new secret has 20 random bytes, and the URL that authenticator apps know', () => {
  const made = newTotpUrl('anna', 'RPort');
  assert.match(
    made,
    /^otpauth:\/\/totp\/anna:RPort\?algorithm=SHA1&digits=6&issuer=anna&period=30&secret=[A-Z2-7]{32}$/,
  );
  assert.notEqual(made, newTotpUrl('anna', 'RPort'));
  assert.deepEqual(
    { ...parseTotpUrl(made), secret: '', url: '' },
    {
      secret: '',
      url: '',
      algorithm: 'SHA1',
      digits: 6,
      period: 30,
    },
  );
});

test('strange names make a URL that can be read again, and a picture', async () => {
  for (const name of ['a b&secret=x', 'Jörg?#/', '🔐'.repeat(300), '\ud800', '%', 'a:b\r\n']) {
    const made = newTotpUrl(name, 'R & P');
    const secret = parseTotpUrl(made)?.secret ?? '';
    assert.match(secret, /^[A-Z2-7]{32}$/, name);
    assert.notEqual(await qrCode(made), '');
  }
});

test('the picture is a PNG of 200×200', async () => {
  const png = Buffer.from(await qrCode(newTotpUrl('anna', 'RPort')), 'base64');
  assert.equal(png.subarray(1, 4).toString(), 'PNG');
  assert.deepEqual([png.readUInt32BE(16), png.readUInt32BE(20)], [200, 200]);
});

test('stored values are read, or refused with the reasons of the reference', () => {
  assert.equal(parseTotpUrl(''), null);
  assert.equal(parseTotpUrl(' '), null);
  assert.equal(key().secret, 'dfadfsadfas');
  assert.equal(key({ digits: '8', period: '60', algorithm: 'SHA512' }).digits, 8);
  assert.equal(key({ period: 'x' }).period, 30);
  const start = (text: string): string => reasonOf(url({}, text));
  assert.notEqual(reasonOf('sss'), '');
  assert.equal(start('lala://totp/some:ap'), 'unexpected totp key scheme lala, otpauth is expected');
  assert.equal(start('otpauth://lala/some:ap'), 'invalid totp key type lala, totp type is expected');
  assert.equal(reasonOf(url({ secret: '' })), 'empty totp secret key');
  assert.equal(
    reasonOf(url({ period: '0' })),
    'zero totp secret validity period, a positive integer is expected',
  );
  assert.equal(reasonOf(url({ algorithm: '' })), 'empty algorithm value');
  assert.equal(reasonOf(url({ algorithm: 'lala' })), 'invalid/unsupported algorithm value lala');
  assert.equal(reasonOf(url({ digits: '' })), 'empty digits value');
  for (const digits of ['10', '7', 'x', '6.0']) {
    assert.equal(reasonOf(url({ digits })), `invalid digits value ${digits}`);
  }
});

test('no reason shows the secret, wherever it stands', () => {
  const secret = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';
  for (const stored of [
    secret,
    `${secret}://totp`,
    `otpauth://${secret}/x`,
    url({ algorithm: secret }),
    url({ digits: secret }),
    url({ secret: `${secret}!` }),
    `otpauth://totp/x?secret=${secret}&period=0`,
  ]) {
    const reason = reasonOf(stored);
    assert.notEqual(reason, '');
    assert.ok(!reason.toUpperCase().includes(secret.slice(0, 12)), reason);
  }
});

/** RFC 6238, appendix B: `1234567890` again and again, to the length of the digest. */
const ten = 'GEZDGNBVGY3TQOJQ';
const secrets = {
  SHA1: ten.repeat(2),
  SHA256: `${ten.repeat(3)}GEZA`,
  SHA512: `${ten.repeat(6)}GEZDGNA`,
} as const;
const vectors: readonly [second: number, sha1: string, sha256: string, sha512: string][] = [
  [59, '94287082', '46119246', '90693936'],
  [1111111109, '07081804', '68084774', '25091201'],
  [1111111111, '14050471', '67062674', '99943326'],
  [1234567890, '89005924', '91819424', '93441116'],
  [2000000000, '69279037', '90698825', '38618901'],
  [20000000000, '65353130', '77737706', '47863826'],
];

test('codes are those of RFC 6238', () => {
  for (const [second, ...codes] of vectors) {
    (['SHA1', 'SHA256', 'SHA512'] as const).forEach((algorithm, at) => {
      const secret = secrets[algorithm];
      const code = totpCode(key({ secret, algorithm, digits: '8' }), Math.floor(second / 30));
      assert.equal(code, codes[at], `${algorithm} at ${second}`);
    });
  }
});

test('short secrets, long periods and MD5 have codes, too', () => {
  for (const more of [{ secret: 'mz' }, { secret: 'MZXW6===' }, { period: '86400' }]) {
    assert.match(totpCode(key(more), 20_000) ?? '', /^\d{6}$/);
  }
  const codes = Array.from({ length: 100 }, (_, step) => totpCode(key({ algorithm: 'MD5' }), step));
  assert.ok(codes.every((code) => code === null || /^\d{6}$/.test(code)));
  assert.ok(codes.filter((code) => code !== null).length > 50);
});

test('a code is right in its step and in the ones beside it', () => {
  const own = key();
  const now = 1_700_000_010_000;
  const step = Math.floor(now / 30_000);
  const at = (offset: number): string => totpCode(own, step + offset) ?? '';
  for (const offset of [-1, 0, 1]) {
    const use = matchTotp(own, ` ${at(offset)}\n`, now);
    assert.equal(use?.step, step + offset);
    assert.equal(use?.until, (step + offset + 2) * 30_000);
  }
  for (const offset of [-2, 2]) assert.equal(matchTotp(own, at(offset), now), null);
  for (const wrong of ['', 'dfasdf', `${at(0)}0`, at(0).slice(1), '٠١٢٣٤٥']) {
    assert.equal(matchTotp(own, wrong, now), null, wrong);
  }
});

test('what stands for a secret tells nothing about it', () => {
  const now = 1_700_000_010_000;
  const step = Math.floor(now / 30_000);
  const one = matchTotp(key(), totpCode(key(), step) ?? '', now);
  assert.ok(one && !one.key.includes('dfad'));
  const other = key({ secret: 'dfadfsadfat' });
  assert.notEqual(matchTotp(other, totpCode(other, step) ?? '', now)?.key, one.key);
});

test('codes are those of oathtool', { skip: hasOathtool ? false : 'oathtool is not installed' }, () => {
  const secret = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';
  const now = Date.now();
  for (const [algorithm, digits, period] of [
    ['SHA1', 6, 30],
    ['SHA1', 8, 60],
    ['SHA256', 6, 30],
    ['SHA512', 8, 30],
  ] as const) {
    const code = oathtool(secret, { algorithm, digits, period, now });
    const own = key({ secret, algorithm, digits: String(digits), period: String(period) });
    assert.notEqual(matchTotp(own, code, now), null, `${algorithm} ${digits} ${period}`);
  }
});
