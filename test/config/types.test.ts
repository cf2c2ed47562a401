import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { load, refusal, server } from './surroundings.js';

describe('values of the configuration file', () => {
  it('may be written in weak types', () => {
    const { config } = load({
      toml: server(
        'jobs_max_results = "90"',
        'ban_time = "0x10"',
        'client_login_wait = "1.5"',
        'auth_write = "F"',
        'allow_root = 1',
        'sqlite_wal = ""',
        'used_ports = [2000, 2001]',
        'excluded_ports = 2001',
        'tls_min = 1.2',
        'url = "http://a, b"'.replace(', b', ',http://b'),
      ),
    });
    assert.equal(config.server.jobsMaxResults, 90);
    assert.equal(config.server.banTime, 16);
    assert.equal(config.server.clientLoginWait, 1.5);
    assert.equal(config.server.authWrite, false);
    assert.equal(config.server.allowRoot, true);
    assert.equal(config.server.sqliteWal, false);
    assert.deepEqual(config.server.usedPorts, ['2000', '2001']);
    assert.deepEqual(config.server.excludedPorts, ['2001']);
    assert.deepEqual(config.server.allowedPorts, [{ from: 2000, to: 2000 }]);
    assert.equal(config.server.tlsMin, '1.2');
    assert.deepEqual(config.server.url, ['http://a', 'http://b']);
  });

  it('may be lists in the text form, with brackets and quotes', () => {
    const { config } = load({ toml: server('used_ports = "[1-2,\\"5\\",9]"', 'excluded_ports = "[]"') });
    assert.deepEqual(config.server.usedPorts, ['1-2', '5', '9']);
    assert.deepEqual(config.server.excludedPorts, []);
  });

  it('are found under section and key names in any case', () => {
    const { config, warnings } = load({ toml: '[SERVER]\nAuth = "x:y"\nMAX_FAILED_LOGIN = 3' });
    assert.deepEqual(config.server.clientAuth, { id: 'x', password: 'y' });
    assert.equal(config.server.maxFailedLogin, 3);
    assert.deepEqual(warnings, []);
  });

  it('must not be given under two spellings of one key', () => {
    assert.match(refusal({ toml: '[server]\nauth = "a:b"\nAUTH = "c:d"' }), /server\.auth is set twice/);
  });

  it('are refused with the key and the reason, all at once', () => {
    const text = refusal({
      toml: server('auth_write = "yes"', 'keep_disconnected_clients = "7d"', 'ban_time = "x"', 'proxy = [1]'),
    });
    assert.match(text, /^error parsing config file: 4 error\(s\) decoding:\n/);
    assert.match(text, /'server\.auth_write': strconv\.ParseBool: parsing "yes": invalid syntax/);
    assert.match(text, /'server\.keep_disconnected_clients': time: unknown unit "d" in duration "7d"/);
    assert.match(text, /'server\.ban_time': strconv\.ParseInt: parsing "x": invalid syntax/);
    assert.match(text, /'server\.proxy': expected a string, got a list/);
  });

  for (const [line, reason] of [
    ['keep_disconnected_clients = 3600', /a duration needs a unit: write "3600s"/],
    ['client_login_wait = nan', /finite/],
    ['client_login_wait = inf', /finite/],
    ['ban_time = 1.5', /expected an integer/],
    ['ban_time = 2020-01-01', /got a date/],
    ['url = {a = 1}', /got a table/],
  ] as const)
    it(`are refused: ${line}`, () => assert.match(refusal({ toml: server(line) }), reason));

  it('must be sections where sections are expected', () => {
    assert.match(refusal({ toml: 'server = 5' }), /'server' expected a section/);
  });

  it('name log levels in lower case or by number', () => {
    assert.equal(
      load({ toml: `${server()}[logging]\nlog_level = "debug"` }).config.logging.logLevel,
      'debug',
    );
    assert.equal(load({ toml: `${server()}[logging]\nlog_level = 0` }).config.logging.logLevel, 'error');
    for (const level of ['"INFO"', '"warn"', '7'])
      assert.match(refusal({ toml: `${server()}[logging]\nlog_level = ${level}` }), /invalid log level/);
  });

  it('have the documented defaults', () => {
    const { config } = load({ toml: server() });
    assert.equal(config.server.address, '0.0.0.0:8080');
    assert.deepEqual(config.server.url, ['http://0.0.0.0:8080']);
    assert.equal(config.server.pairingUrl, 'https://pairing.openrport.io');
    assert.equal(config.server.keepDisconnectedClients, 3_600_000);
    assert.equal(config.server.checkPortTimeout, 2_000);
    assert.equal(config.server.maxConcurrentSshHandshakes, null);
    assert.equal(config.server.maxFailedLogin, 5);
    assert.equal(config.api.maxFailedLogin, 10);
    assert.equal(config.api.banTime, 600);
    assert.equal(config.api.address, '');
    assert.deepEqual(config.api.trustedProxies, []);
    assert.equal(config.monitoring.dataStorageDuration, 7 * 86_400_000);
    assert.equal(config.notifications.cleanupInterval, 86_400_000);
    assert.equal(config.logging.logLevel, 'info');
  });

  it('can be cloned into another thread', () => {
    const { config } = load({ toml: server() });
    assert.deepEqual(structuredClone(config), config);
  });
});
