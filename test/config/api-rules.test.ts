import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decode } from '../../src/config/decode.js';
import { mergeLayers } from '../../src/config/layer.js';
import { readToml } from '../../src/config/read-toml.js';
import { validate } from '../../src/config/validate/validate.js';
import { strangePrivateKey, testCertificate, testPrivateKey } from '../support/test-certificate.js';
import { api, load, refusal, server } from './surroundings.js';

const files = { '/c': testCertificate, '/k': testPrivateKey, '/other': strangePrivateKey };
const file = 'auth_file = "/users"';

describe('the API section', () => {
  for (const [lines, text] of [
    [['auth="a:b"', file], "'auth_file' and 'auth' are both set: expected only one of them"],
    [
      ['auth="a:b"', 'auth_user_table="u"'],
      "'auth_user_table' and 'auth' are both set: expected only one of them",
    ],
    [
      [file, 'auth_user_table="u"'],
      "'auth_user_table' and 'auth_file' are both set: expected only one of them",
    ],
    [['auth_user_table="u"'], "when 'auth_user_table' is set, 'auth_group_table' must be set as well"],
    [['auth_user_table="u"', 'auth_group_table="g"'], "'db_type' must be set when 'auth_user_table' is set"],
    [['auth="a:b"', 'auth_header="X"'], "'auth_header' cannot be used with single user 'auth'"],
    [[file, 'auth_header="X"', 'user_header=""'], "'user_header' must be set when 'auth_header' is set"],
    [
      [file, 'base_url="://invalid"'],
      'base_url must be a valid url: parse "://invalid": missing protocol scheme',
    ],
    [[file, 'enable_acme=true'], 'base_url must have a host when acme is enabled'],
    [[file, 'enable_acme=true', 'base_url="example.com"'], 'base_url must have a host when acme is enabled'],
    [[file, 'cert_file="/c"'], "when 'cert_file' is set, 'key_file' must be set as well"],
    [[file, 'key_file="/k"'], "when 'key_file' is set, 'cert_file' must be set as well"],
    [
      [file, 'cert_file="/c"', 'key_file="/k"', 'enable_acme=true', 'base_url="https://a.example.com"'],
      'cert_file, key_file and enable_acme cannot be used together',
    ],
    [
      [file, 'cert_file="/gone"', 'key_file="/k"'],
      "invalid 'cert_file', 'key_file': open /gone: no such file or directory",
    ],
    [
      ['auth="a:b"', 'two_fa_token_delivery="/bin/send"'],
      '2FA is not available if you use a single static user-password pair',
    ],
    [[file, 'two_fa_token_delivery="nobody"'], 'unknown 2fa token delivery method: nobody'],
    [
      [file, 'two_fa_token_delivery="/bin/send"', 'two_fa_send_to_type="x"'],
      'invalid api.two_fa_send_to_type: "x"',
    ],
    [
      [file, 'two_fa_token_delivery="https://2fa.example.com"'],
      'base_url is required for url two_fa_token_delivery',
    ],
    [[file, 'two_fa_token_delivery="smtp"'], 'smtp.server is required'],
    [[file, 'two_fa_token_delivery="pushover"'], 'pushover.api_token is required'],
    [
      [file, 'two_fa_token_delivery="/bin/send"', 'two_fa_token_ttl_seconds=0'],
      "'two_fa_token_ttl_seconds' must be at least 1",
    ],
    [
      [file, 'two_fa_token_delivery="/bin/send"', 'two_fa_send_timeout="0s"'],
      "'two_fa_send_timeout' must be more than 0",
    ],
    [
      [file, 'totp_enabled=true', 'totp_login_session_ttl="0s"'],
      "'totp_login_session_ttl' must be more than 0",
    ],
    [
      [file, 'two_fa_token_delivery="/bin/send"', 'totp_enabled=true'],
      'conflicting 2FA configuration, two factor auth and totp_enabled options cannot be both enabled',
    ],
    [
      ['auth="a:b"', 'totp_enabled=true'],
      'totp_enabled is not available if you use a single static user-password pair',
    ],
    [[file, 'tls_min="1.7"'], 'TLS must be either 1.2 or 1.3'],
    [
      [file, 'max_token_lifetime=-1'],
      'max_token_lifetime outside allowable ranges. must be between 0 and 2160',
    ],
    [
      [file, 'max_token_lifetime=9999'],
      'max_token_lifetime outside allowable ranges. must be between 0 and 2160',
    ],
    [[file, 'max_request_bytes=0'], "'max_request_bytes' must be at least 1"],
    [[file, 'audit_log_rotation="hourly"'], 'invalid api.audit_log_rotation: "hourly"'],
  ] as const)
    it(`is refused: ${lines.join(' ') || 'no authentication'}`, () =>
      assert.equal(
        refusal({ toml: api(...lines), files, isExecutable: (name) => name === '/bin/send' }),
        `API: ${text}`,
      ));

  it('is refused with a regular expression that does not compile', () => {
    const toml = api(
      file,
      'two_fa_token_delivery="/bin/send"',
      'two_fa_send_to_type="regex"',
      'two_fa_send_to_regex="[a-z"',
    );
    assert.match(refusal({ toml, isExecutable: () => true }), /^API: invalid api\.two_fa_send_to_regex: /);
  });

  it('is refused with a key of another certificate', () => {
    const toml = api(file, 'cert_file="/c"', 'key_file="/other"');
    assert.match(refusal({ toml, files }), /^API: invalid 'cert_file', 'key_file': /);
  });

  it('may be off, then without document root and with a checked audit rotation', () => {
    assert.equal(load({ toml: server() }).config.api.address, '');
    assert.equal(
      refusal({ toml: `${server()}[api]\ndoc_root = "/x"` }),
      'API: to use document root you need to specify API address',
    );
    assert.match(refusal({ toml: `${server()}[api]\naudit_log_rotation = "hourly"` }), /audit_log_rotation/);
    const off = `${server()}[api]\nenable_audit_log = false\naudit_log_rotation = "hourly"`;
    assert.equal(load({ toml: off }).config.api.auditLogRotation, 'monthly');
  });

  it('is accepted with users, certificate, the longest token lifetime and TLS 1.2', () => {
    const { config } = load({
      toml: api(file, 'cert_file="/c"', 'key_file="/k"', 'max_token_lifetime=2160', 'tls_min=1.2'),
      files,
    });
    assert.equal(config.api.maxTokenLifetime, 2160);
    assert.equal(config.api.tlsMin, '1.2');
  });

  it('warns when nobody may send the header that vouches for users', () => {
    const warned = (...lines: string[]) =>
      load({ toml: api(file, ...lines) }).warnings.filter(({ message }) => message.includes("'auth_header'"));
    assert.equal(warned('auth_header = "X"').length, 1);
    assert.deepEqual(warned('auth_header = "X"', 'trusted_proxies = ["127.0.0.1"]'), []);
    assert.deepEqual(warned(), []);
  });

  it('keeps valid origins and drops the others with an error line', () => {
    const good = ['*', 'https://example.com:123', 'http://localhost', 'https://*.example.com:123'];
    const bad = [
      'example.com',
      'https://example.com/path',
      'https://example.com?a=b',
      'https://example.com#f',
    ];
    const { config, warnings } = load({ toml: api(file, `cors = ${JSON.stringify([...good, ...bad])}`) });
    assert.deepEqual(config.api.cors, good);
    assert.deepEqual(
      warnings.map(({ level, message }) => `${level} ${/"(.*)"/.exec(message)?.[1]}`),
      bad.map((origin) => `error ${origin}`),
    );
  });
});

describe('second factors', () => {
  const accepted = (...lines: string[]) =>
    validate(decode(mergeLayers(readToml(api(file, ...lines)))), {
      cores: 2,
      readFile: () => '',
      isExecutable: (name) => name === 'send',
    });
  it('may be an executable with a receiver rule, a URL with base URL, or TOTP', () => {
    assert.ok(accepted('two_fa_token_delivery="send"', 'two_fa_send_to_type="email"'));
    assert.ok(
      accepted(
        'two_fa_token_delivery="send"',
        'two_fa_send_to_type="regex"',
        'two_fa_send_to_regex="[a-z]{10}"',
      ),
    );
    assert.ok(
      accepted('two_fa_token_delivery="https://2fa.example.com"', 'base_url="https://a.example.com"'),
    );
    assert.ok(accepted('totp_enabled=true'));
  });
});

describe('database, monitoring and notifications', () => {
  const database = (type: string): string => `${server()}[database]\ndb_type = "${type}"`;
  it('know MySQL and SQLite', () => {
    for (const type of ['', 'mysql', 'sqlite'])
      assert.equal(load({ toml: database(type) }).config.database.dbType, type);
    assert.equal(
      refusal({ toml: database('mongodb') }),
      `invalid 'db_type', expected 'mysql' or 'sqlite', got "mongodb"`,
    );
  });
  const kept = (value: string, enabled = true): string =>
    `${server()}[monitoring]\nenabled = ${enabled}\ndata_storage_duration = "${value}"`;
  it('keep measurements for hours or days, at least one hour', () => {
    assert.equal(load({ toml: kept(' 1 d') }).config.monitoring.dataStorageDuration, 86_400_000);
    assert.equal(load({ toml: kept('1h') }).config.monitoring.dataStorageDuration, 3_600_000);
    for (const value of ['', '1', '1.1h', '30m', '-1d'])
      assert.match(refusal({ toml: kept(value) }), /data_storage_duration/);
    assert.equal(refusal({ toml: kept('0h') }), 'monitoring results must be stored for at least 1 hour');
    assert.ok(load({ toml: kept('nonsense', false) }));
  });
  const notes = (line: string): string => `${server()}[notifications]\n${line}`;
  it('take days and weeks for notifications and never spin', () => {
    assert.equal(
      load({ toml: notes('log_storage_duration = "1w"') }).config.notifications.logStorageDuration,
      604_800_000,
    );
    assert.equal(
      load({ toml: notes('cleanup_interval = "7d"') }).config.notifications.cleanupInterval,
      604_800_000,
    );
    assert.equal(
      load({ toml: notes('cleanup_interval = ""') }).config.notifications.cleanupInterval,
      86_400_000,
    );
    assert.match(refusal({ toml: notes('cleanup_interval = "x"') }), /notifications\.cleanup_interval/);
    assert.equal(
      load({ toml: notes('cleanup_interval = "0"') }).config.notifications.cleanupInterval,
      60_000,
    );
  });
});
