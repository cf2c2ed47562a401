import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AppError } from '../../src/errors.js';
import { readTunnelRequest, type TunnelRequest } from '../../src/tunnels/request.js';

function read(query: string): TunnelRequest {
  const params = new URLSearchParams(query);
  return readTunnelRequest({ get: (name) => params.get(name) ?? undefined }, 'admin');
}

/** `status title`, with detail and code where there are any. */
function refusal(query: string): string {
  try {
    read(query);
  } catch (error) {
    assert.ok(error instanceof AppError);
    return [`${error.status} ${error.title}`, error.detail, error.apiCode]
      .filter((part) => part !== '')
      .join(' | ');
  }
  return 'accepted';
}

const everything = {
  name: '',
  protocol: 'tcp',
  lhost: '',
  lport: '',
  lportRandom: false,
  owner: 'admin',
  rhost: '127.0.0.1',
  rport: '22',
  scheme: null,
  acl: null,
  idleTimeoutMinutes: 5,
  autoClose: 0,
  httpProxy: false,
  hostHeader: '',
  authUser: '',
  authPassword: '',
  tunnelUrl: '',
};

describe('the query of a new tunnel (spec 05 §26.2)', () => {
  it('needs only a target', () => {
    assert.deepEqual(read('remote=22'), { remote: everything, checkPort: true });
  });

  it('1: takes every parameter', () => {
    const query =
      'scheme=ssh&acl=127.0.0.1&local=0.0.0.0:3390&remote=0.0.0.0:22&name=TUNNELNAME&check_port=0';
    assert.deepEqual(read(query), {
      remote: {
        ...everything,
        name: 'TUNNELNAME',
        lhost: '0.0.0.0',
        lport: '3390',
        rhost: '0.0.0.0',
        scheme: 'ssh',
        acl: '127.0.0.1',
      },
      checkPort: false,
    });
  });

  it('3: without scheme, and with a port too many', () => {
    const { remote } = read('local=0.0.0.0:3390&remote=3000:22');
    assert.deepEqual(
      [remote.scheme, remote.lhost, remote.lport, remote.rhost, remote.rport],
      [null, '0.0.0.0', '3390', '0.0.0.0', '22'],
    );
  });

  it('only check_port=0 turns the check off', () => {
    assert.equal(read('remote=22&check_port=false').checkPort, true);
    assert.equal(read('remote=22&check_port=').checkPort, true);
    assert.equal(read('remote=22&check_port=0').checkPort, false);
  });

  it('takes an explicit tcp', () => assert.equal(read('remote=22&protocol=tcp').remote.protocol, 'tcp'));

  const idle: readonly (readonly [string, number])[] = [
    ['', 5],
    ['idle-timeout-minutes=0', 0],
    ['idle-timeout-minutes=10080', 10_080],
    ['skip-idle-timeout=1', 0],
    ['skip-idle-timeout=foo', 5],
    ['skip-idle-timeout=foo&idle-timeout-minutes=3', 3],
    ['skip-idle-timeout=false&idle-timeout-minutes=3', 3],
  ];
  for (const [query, minutes] of idle) {
    it(`8: ${query || 'no idle parameter'} → ${minutes} minutes`, () =>
      assert.equal(read(`remote=22&${query}`).remote.idleTimeoutMinutes, minutes));
  }

  it('9: auto-close in nanoseconds', () => {
    assert.equal(read('remote=22&auto-close=1h').remote.autoClose, 3_600_000_000_000);
    assert.equal(read('remote=22&auto-close=0').remote.autoClose, 0);
    assert.equal(read('remote=22&auto-close=744h').remote.autoClose, 2_678_400_000_000_000);
  });

  const range = '400 idle timeoout param should be in range [0,604800000000000]';
  const proxyAuth =
    '400 http basic authentication requires http_proxy to be activated on the requested tunnel';
  const refusals: readonly (readonly [string, string])[] = [
    ['', '400 failed to decode "": Missing ports'],
    ['remote=a%22b', '400 failed to decode "a\\"b": Missing ports'],
    ['remote=22/udp&protocol=tcp', '400 failed to decode "22/udp/tcp": Missing ports'],
    ['remote=22&protocol=tcp+udp', '400 failed to decode "22/tcp udp": Missing ports'],
    ['remote=1:2:3&local=4:5', '400 failed to decode "4:5:1:2:3": Invalid remote'],
    ['remote=%25zz:22', '400 failed to decode "%zz:22": Invalid host'],
    [
      'remote=22&scheme=1234567890123456',
      '400 Invalid URI scheme. | Exceeds the max length. | ERR_CODE_URI_SCHEME_LENGTH_EXCEED',
    ],
    [
      'remote=22&scheme=äääääääää',
      '400 Invalid URI scheme. | Exceeds the max length. | ERR_CODE_URI_SCHEME_LENGTH_EXCEED',
    ],
    ['remote=22&http_proxy=abc', '400 strconv.ParseBool: parsing "abc": invalid syntax'],
    ['remote=22&http_proxy=1&scheme=http', '400 creation of tunnel proxy not enabled'],
    ['remote=22&http_proxy=1&scheme=ssh', '400 creation of tunnel proxy not enabled'],
    ['remote=22&host_header=h', '400 host_header not allowed when http_proxy is false'],
    ['remote=22&auth_user=a', proxyAuth],
    ['remote=22&auth_password=a', proxyAuth],
    ['remote=22&auth_user=a&auth_password=b', proxyAuth],
    ['remote=22&idle-timeout-minutes=10081', range],
    ['remote=22&idle-timeout-minutes=-1', range],
    [
      'remote=22&idle-timeout-minutes=x',
      '400 invalid idle timeout param | strconv.Atoi: parsing "x": invalid syntax',
    ],
    [
      'remote=22&idle-timeout-minutes=7&skip-idle-timeout=1',
      '400 conflicting parameters idle timeout 7 and skip idle timeout 7, either decide for skipping an idle timeout or provide a non empty timeout value',
    ],
    ['remote=22&auto-close=-5m', '400 tunnel auto-close value should be more than 0'],
    ['remote=22&auto-close=745h', '400 tunnel auto-close value should not be more than 744h0m0s'],
    ['remote=22&auto-close=10', '400 invalid tunnel auto-close format | time: missing unit in duration "10"'],
    [
      'remote=22&auto-close=1d',
      '400 invalid tunnel auto-close format | time: unknown unit "d" in duration "1d"',
    ],
    ['remote=22&auto-close=abc', '400 invalid tunnel auto-close format | time: invalid duration "abc"'],
    ['remote=22&acl=invalid', '400 Invalid ACL: invalid IP addr: invalid | ERR_CODE_INVALID_ACL'],
    [
      'remote=22&acl=0.0.0.0',
      "400 Invalid ACL: 0.0.0.0 would allow access to everyone. If that's what you want, do not set the ACL | ERR_CODE_INVALID_ACL",
    ],
    ['remote=53&protocol=udp', '400 tunnels of protocol udp are not supported'],
    ['remote=53&protocol=tcp%2Budp', '400 tunnels of protocol tcp+udp are not supported'],
  ];
  for (const [query, expected] of refusals) {
    it(`refuses ${query || 'an empty query'}`, () => assert.equal(refusal(query), expected));
  }

  it('checks in the order of spec 05 §3.3', () => {
    const wrong = [
      'remote=x',
      'scheme=1234567890123456',
      'http_proxy=x',
      'idle-timeout-minutes=x',
      'auto-close=x',
      'acl=x',
    ];
    const titles = [
      'failed to decode',
      'Invalid URI',
      'strconv.ParseBool',
      'invalid idle',
      'invalid tunnel auto',
      'Invalid ACL',
    ];
    for (const [index, title] of titles.entries()) {
      const query = [...(index > 0 ? ['remote=22'] : []), ...wrong.slice(index)].join('&');
      assert.ok(refusal(query).startsWith(`400 ${title}`), refusal(query));
    }
  });
});
