import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { countPorts } from '../../src/config/values/port-ranges.js';
import { strangePrivateKey, testCertificate, testPrivateKey } from '../support/test-certificate.js';
import { load, refusal, server } from './surroundings.js';

const portsOf = (used: string, excluded: string): number[] =>
  load({
    toml: server(`used_ports = ${used}`, `excluded_ports = ${excluded}`),
  }).config.server.allowedPorts.flatMap(({ from, to }) =>
    Array.from({ length: to - from + 1 }, (_, offset) => from + offset),
  );

describe('advertised URLs', () => {
  it('must be absolute http or https URLs', () => {
    assert.equal(
      refusal({ toml: server('pairing_url = "ftp:example.com"') }),
      'server.pairingURL: invalid url ftp:example.com: schema must be http or https',
    );
    assert.equal(
      refusal({ toml: server('url = ["https:go.lang"]') }),
      'server.URL: invalid url https:go.lang, must be absolute url',
    );
    assert.match(refusal({ toml: server('url = "wss://example.com"') }), /schema must be http or https/);
    assert.match(refusal({ toml: server('url = "example"') }), /parse "example": invalid URI for request/);
    assert.equal(load({ toml: server('pairing_url = ""') }).config.server.pairingUrl, '');
  });
});

describe('tunnel ports', () => {
  it('are the used ones minus the excluded ones', () => {
    const { allowedPorts } = load({ toml: server() }).config.server;
    assert.deepEqual(allowedPorts, [{ from: 20_000, to: 30_000 }]);
    assert.equal(countPorts(allowedPorts), 10_001);
    assert.deepEqual(portsOf('["45-50"]', '["1-10","44","51","80-90"]'), [45, 46, 47, 48, 49, 50]);
    assert.deepEqual(
      portsOf(
        '["100-200","205","250-300","305","400-500"]',
        '["80-110","114-116","118","120-198","200","240-310","305","401-499"]',
      ),
      [111, 112, 113, 117, 119, 199, 205, 400, 500],
    );
    assert.deepEqual(portsOf('20000', '[]'), [20_000]);
    assert.deepEqual(portsOf('"45-46,45,44"', '[]'), [44, 45, 46]);
  });
  const none =
    "invalid 'used_ports', 'excluded_ports': at least one port should be available for port assignment";
  for (const [used, excluded, text] of [
    ['[]', '[]', none],
    ['["10-20"]', '["1-30"]', none],
    ['["9999999999"]', '[]', "can't parse 'used_ports': invalid port number: 9999999999"],
    [
      '["10"]',
      '["a"]',
      `can't parse 'excluded_ports': can't parse port number a: strconv.Atoi: parsing "a": invalid syntax`,
    ],
    ['["2001-2000"]', '[]', "can't parse 'used_ports': invalid port range 2001-2000"],
    ['["1-2-3"]', '[]', "can't parse 'used_ports': can't parse port range: incorrect range 1-2-3"],
    ['["65536"]', '[]', "can't parse 'used_ports': invalid port number: 65536"],
  ] as const)
    it(`${used} without ${excluded} is refused`, () =>
      assert.equal(refusal({ toml: server(`used_ports = ${used}`, `excluded_ports = ${excluded}`) }), text));
  it('have no spaces', () => {
    assert.match(refusal({ toml: server('used_ports = "2000 - 2001"') }), /can't parse port number 2000 /);
  });
});

describe('agent credentials', () => {
  const section = (...lines: string[]): string => `[server]\n${lines.join('\n')}`;
  for (const [lines, text] of [
    [['auth="a:b"', 'auth_file="f"'], "'auth_file' and 'auth' are both set: expected only one of them"],
    [
      ['auth_file="f"', 'auth_table="t"'],
      "'auth_file' and 'auth_table' are both set: expected only one of them",
    ],
    [['auth="a:b"', 'auth_table="t"'], "'auth' and 'auth_table' are both set: expected only one of them"],
    [['auth_table="t"'], "'db_type' must be set when 'auth_table' is set"],
    [['auth="abc"'], `invalid client auth credentials, expected '<client-id>:<password>', got "abc"`],
    [['auth="abc:"'], `invalid client auth credentials, expected '<client-id>:<password>', got "abc:"`],
    [['auth=":abc"'], `invalid client auth credentials, expected '<client-id>:<password>', got ":abc"`],
  ] as const)
    it(`are refused: ${lines.join(' ')}`, () => assert.equal(refusal({ toml: section(...lines) }), text));

  it('are split at the first colon', () => {
    assert.deepEqual(load({ toml: section('auth="abc:def"') }).config.server.clientAuth, {
      id: 'abc',
      password: 'def',
    });
    assert.equal(load({ toml: section('auth="a:b:c"') }).config.server.clientAuth?.password, 'b:c');
    assert.equal(load({ toml: section('auth_file="f"') }).config.server.clientAuth, null);
  });
});

describe('retention of disconnected clients', () => {
  const purging = (value: string): string =>
    server('purge_disconnected_clients = true', `keep_disconnected_clients = "${value}"`);
  it('is between a second and a week, or nothing, while purging is on', () => {
    for (const value of ['500ms', '169h', '-5h'])
      assert.match(
        refusal({ toml: purging(value) }),
        /expected 'Keep Lost Clients' can be in range \[1s, 168h0m0s\]/,
      );
    assert.match(refusal({ toml: purging('169h') }), /actual: 169h0m0s$/);
    assert.equal(load({ toml: purging('0') }).config.server.keepDisconnectedClients, 0);
    assert.equal(load({ toml: purging('168h') }).config.server.keepDisconnectedClients, 604_800_000);
  });
  it('is not judged while purging is off', () => {
    assert.ok(load({ toml: server('keep_disconnected_clients = "900h"') }));
  });
  it('never purges in a busy loop', () => {
    const { config, warnings } = load({
      toml: server('purge_disconnected_clients = true', 'purge_disconnected_clients_interval = "0"'),
    });
    assert.equal(config.server.purgeDisconnectedClientsInterval, 1_000);
    assert.match(warnings[0]?.message ?? '', /purge_disconnected_clients_interval/);
  });
});

describe('supervision of agents', () => {
  it('checks connections every two minutes at most', () => {
    const { config, warnings } = load({ toml: server('check_clients_connection_interval = "1m"') });
    assert.equal(config.server.checkClientsConnectionInterval, 120_000);
    assert.deepEqual(
      warnings.map(({ level }) => level),
      ['error'],
    );
    assert.match(warnings[0]?.message ?? '', /minimum possible of 2m0s/);
  });
  it('checks ports within a minute', () => {
    assert.equal(
      refusal({ toml: server('check_port_timeout = "2m"') }),
      "'check_port_timeout' can not be more than 1m0s",
    );
  });
  it('runs at least one handshake at a time', () => {
    const limit = (value: number) => load({ toml: server(`max_concurrent_ssh_handshakes = ${value}`) });
    for (const value of [0, -1]) {
      assert.equal(limit(value).config.server.maxConcurrentSshHandshakes, 1);
      assert.equal(limit(value).warnings[0]?.level, 'error');
    }
    assert.equal(limit(100).config.server.maxConcurrentSshHandshakes, 100);
    assert.match(limit(100).warnings[0]?.message ?? '', /too many concurrent ssh handshakes/);
    assert.deepEqual(limit(4).warnings, []);
  });
});

describe('the tunnel proxy block', () => {
  const files = { '/c': testCertificate, '/k': testPrivateKey, '/other': strangePrivateKey, '/bad': 'x' };
  const cert = 'tunnel_proxy_cert_file = "/c"';
  const key = 'tunnel_proxy_key_file = "/k"';
  for (const [lines, text] of [
    [[cert], "when 'tunnel_proxy_cert_file' is set, 'tunnel_proxy_key_file' must be set as well"],
    [[key], "when 'tunnel_proxy_key_file' is set, 'tunnel_proxy_cert_file' must be set as well"],
    [
      [cert, key, 'tunnel_enable_acme = true'],
      'tunnel_proxy_cert_file, tunnel_proxy_key_file and tunnel_enable_acme cannot be used together',
    ],
    [
      ['tunnel_enable_acme = true', 'tunnel_host = "bad tunnel host"'],
      "invalid tunnel_host 'bad tunnel host': use IP address or FQDN",
    ],
    [[cert, key, 'tls_min = "1.7"'], 'TLS must be either 1.2 or 1.3'],
    [
      [cert, 'tunnel_proxy_key_file = "/gone"'],
      "invalid 'tunnel_proxy_cert_file', 'tunnel_proxy_key_file': open /gone: no such file or directory",
    ],
  ] as const)
    it(`is refused: ${lines.join(' ')}`, () =>
      assert.equal(refusal({ toml: server(...lines), files }), text));
  it('is refused when key and certificate do not match or cannot be read', () => {
    for (const name of ['/other', '/bad'])
      assert.match(
        refusal({ toml: server(cert, `tunnel_proxy_key_file = "${name}"`), files }),
        /^invalid 'tunnel_proxy_cert_file', 'tunnel_proxy_key_file': /,
      );
  });
  it('is accepted with a pair, a host name, or when it is off', () => {
    assert.ok(load({ toml: server(cert, key, 'tunnel_host = "tunnel.rport.example.com"'), files }));
    assert.ok(load({ toml: server('tunnel_enable_acme = true', 'tls_min = ""') }));
    assert.ok(load({ toml: server('tunnel_host = "bad tunnel host"', 'guacd_address = "127.0.0.1:1"') }));
  });
});

describe('shards', () => {
  it('are as many as there are cores, unless they are set', () => {
    const shards = (cores: number, ...lines: string[]) =>
      load({ toml: server(...lines), cores }).config.server.shards;
    assert.deepEqual([shards(8), shards(8, 'shards = 0'), shards(8, 'shards = 3')], [8, 8, 3]);
  });
});

describe('further server settings', () => {
  for (const [line, text] of [
    ['proxy = "foo"', 'missing protocol: foo'],
    ['data_dir = ""', "'data directory path' cannot be empty"],
    ['shards = -1', "'shards' must be between 0 (automatic) and 256"],
    ['max_request_bytes_client = 0', "'max_request_bytes_client' must be at least 1"],
    ['check_clients_connection_timeout = "0"', "'check_clients_connection_timeout' must be more than 0"],
  ] as const)
    it(`are refused: ${line}`, () => assert.equal(refusal({ toml: server(line) }), text));
  it('take trusted proxies as addresses or blocks', () => {
    const list = '["127.0.0.1", "10.0.0.0/8", "fd00::/8"]';
    assert.equal(load({ toml: server(`trusted_proxies = ${list}`) }).config.server.trustedProxies.length, 3);
    assert.match(refusal({ toml: server('trusted_proxies = "proxy.example.com"') }), /proxy\.example\.com/);
  });
});
