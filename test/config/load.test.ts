import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ConfigError } from '../../src/config/config-error.js';
import { keepsOwnCredentials, keepsOwnUsers } from '../../src/config/own-store.js';
import { api, load, refusal, server } from './surroundings.js';

const message = (situation: Parameters<typeof load>[0]): string => {
  try {
    load(situation);
  } catch (thrown) {
    assert.ok(thrown instanceof ConfigError);
    return thrown.message;
  }
  throw new Error('accepted');
};

describe('the configuration file', () => {
  it('is named when it is missing', () => {
    assert.equal(
      message({ argv: ['-c', '/gone.conf'] }),
      'Invalid config: error reading config file: open /gone.conf: no such file or directory. See --help',
    );
  });
  it('is refused with the place of a syntax error, without quoting the line', () => {
    const text = message({ toml: '[api]\njwt_secret = s3cret-value' });
    assert.match(
      text,
      /^Invalid config: error reading config file: While parsing config: line 2, column \d+: .*See --help$/s,
    );
    assert.doesNotMatch(text, /s3cret/);
    assert.match(message({ toml: server('two_fa_send_timeout = 10s') }), /While parsing config/);
  });
  it('is found in the working directory', () => {
    const { source, embedded } = load({ files: { '/work-dir/rportd.conf': server() } });
    assert.equal(source, '/work-dir/rportd.conf');
    assert.equal(embedded, false);
    assert.equal(
      load({ files: { '/work-dir/rportd.conf.toml': server() } }).source,
      '/work-dir/rportd.conf.toml',
    );
  });
  it('needs no credentials: the server keeps some itself then', () => {
    const { config } = load({ toml: '[api]\naddress = "127.0.0.1:0"' });
    assert.equal(config.server.clientAuth, null);
    assert.ok(keepsOwnUsers(config) && keepsOwnCredentials(config));
    const given = load({ toml: `${server()}[api]\naddress = "127.0.0.1:0"\nauth_file = "/u"` }).config;
    assert.ok(!keepsOwnUsers(given) && !keepsOwnCredentials(given));
    const single = load({ toml: `${server()}[api]\naddress = "127.0.0.1:0"\nauth = "a:b"` }).config;
    assert.ok(!keepsOwnUsers(single));
    // Whom an identity provider lets in cannot be the single user.
    assert.ok(keepsOwnUsers({ ...single, plusOauth: { ...single.plusOauth, provider: 'github' } }));
  });
  it('must allow root', () => {
    assert.equal(message({ toml: server(), isRoot: true }), 'By default running as root is not allowed.');
    assert.ok(load({ toml: server('allow_root = true'), isRoot: true }));
    assert.ok(load({ toml: server(), argv: ['--allow-root'], isRoot: true }));
  });
  it('of the example is accepted, and its published secrets are called out', () => {
    const { config, warnings } = load({
      toml: `
[server]
  key_seed = "<YOUR_SEED>"
  auth = "clientAuth1:1234"
  data_dir = "/var/lib/rport"
[logging]
  log_file = "/var/log/rport/rportd.log"
  log_level = "info"
[api]
  address = "0.0.0.0:3000"
  auth = "admin:foobaz"
  jwt_secret = "<YOUR_SECRET>"
[database]
[pushover]
[smtp]`,
    });
    assert.equal(config.server.keySeed, '<YOUR_SEED>');
    assert.equal(config.server.auth, 'clientAuth1:1234');
    assert.equal(config.server.dataDir, '/var/lib/rport');
    assert.deepEqual(
      warnings.map((warning) => /INSECURE: (\S+)/.exec(warning.message)?.[1]),
      ['server.key_seed', 'server.auth', 'api.jwt_secret', 'api.auth'],
    );
    assert.ok(warnings.every((warning) => warning.level === 'error' && !/foobaz|1234/.test(warning.message)));
  });
  it('may hold the sections of the add-on', () => {
    const { config } = load({
      toml: `${server()}
[plus-plugin]
plugin_path = "/opt/plus.so"
[plus-license]
id = "an-id"
key = "a-key"
proxy_url = "http://user:pass@proxy.example.com:8080"
[plus-oauth]
provider = "github"`,
    });
    assert.equal(config.plusPlugin.pluginPath, '/opt/plus.so');
    assert.equal(config.plusLicense.id, 'an-id');
    assert.equal(config.plusLicense.key, 'a-key');
    assert.equal(config.plusLicense.proxyUrl, 'http://user:pass@proxy.example.com:8080');
    assert.equal(config.plusOauth.provider, 'github');
  });
});

describe('sources of settings', () => {
  it('beat one another: flag, environment, file, default', () => {
    const toml = server('address = "1.1.1.1:1"', 'max_failed_login = 7', 'ban_time = 9');
    const env = { RPORTD_SERVER_ADDRESS: '2.2.2.2:2', RPORTD_SERVER_MAX_FAILED_LOGIN: '8' };
    const { config } = load({ toml, env, argv: ['--addr', '3.3.3.3:3'] });
    assert.equal(config.server.address, '3.3.3.3:3');
    assert.equal(config.server.maxFailedLogin, 8);
    assert.equal(config.server.banTime, 9);
    assert.equal(config.server.jobsMaxResults, 10_000);
  });
  it('include variables for sections with a dash; an empty variable is not set', () => {
    const { config } = load({
      toml: server('ban_time = 9'),
      env: {
        RPORTD_PLUS_OAUTH_CLIENT_ID: 'x',
        RPORTD_SERVER_BAN_TIME: '',
        RPORTD_SERVER_USED_PORTS: '2005,2007-2008',
      },
    });
    assert.equal(config.plusOauth.clientId, 'x');
    assert.equal(config.server.banTime, 9);
    assert.deepEqual(config.server.allowedPorts, [
      { from: 2005, to: 2005 },
      { from: 2007, to: 2008 },
    ]);
  });
  it('without a file still make a server, with data beside the working directory and a local API', () => {
    const { config, embedded, source } = load({ isRoot: true });
    assert.equal(embedded, true);
    assert.equal(source, null);
    assert.equal(config.server.dataDir, '/work-dir/data');
    assert.equal(config.server.address, '0.0.0.0:8080');
    assert.equal(config.api.address, '127.0.0.1:3000');
    assert.match(load({ isRoot: true }).warnings[0]?.message ?? '', /root/);
    assert.equal(load({ argv: ['--data-dir', 'd'] }).config.server.dataDir, '/work-dir/d');
  });
  it('report a bad command line as such', () => {
    assert.equal(message({ argv: ['--nope'] }), 'Error: unknown flag: --nope');
  });
});

describe('deprecated names', () => {
  for (const [section, old, oldValue, successor, expected] of [
    ['server', 'cleanup_lost_clients', 'true', 'server.purgeDisconnectedClients', true],
    ['server', 'keep_lost_clients', '"2h"', 'server.keepDisconnectedClients', 7_200_000],
    ['server', 'cleanup_clients_interval', '"3m"', 'server.purgeDisconnectedClientsInterval', 180_000],
    ['server', 'max_request_bytes', '77', 'api.maxRequestBytes', 77],
    ['server', 'max_filepush_size', '78', 'api.maxFilepushSize', 78],
    ['server', 'enable_ws_test_endpoints', 'true', 'api.enableWsTestEndpoints', true],
    ['monitoring', 'data_storage_days', '3', 'monitoring.dataStorageDuration', 3 * 86_400_000],
  ] as const)
    it(`${section}.${old} sets ${successor} and is reported`, () => {
      const toml =
        section === 'server'
          ? server(`${old} = ${oldValue}`)
          : `${server()}[${section}]\n${old} = ${oldValue}`;
      const { config, warnings } = load({ toml });
      const [part = '', key = ''] = successor.split('.');
      assert.equal((config as unknown as Record<string, Record<string, unknown>>)[part]?.[key], expected);
      const notice = warnings.find((warning) => warning.message.includes('deprecated'));
      assert.equal(notice?.level, 'info');
      assert.match(notice?.message ?? '', new RegExp(`'${old}'`));
    });
  it('beat the new name in the same file, but not a flag', () => {
    const toml = `${server('max_request_bytes = 77')}[api]\nmax_request_bytes = 99`;
    assert.equal(load({ toml }).config.api.maxRequestBytes, 77);
    assert.equal(load({ toml, argv: ['--max-request-bytes=55'] }).config.api.maxRequestBytes, 55);
  });
  it('count as not set when zero or false', () => {
    const { config, warnings } = load({ toml: server('keep_lost_clients = "0"', 'max_request_bytes = 0') });
    assert.equal(config.server.keepDisconnectedClients, 3_600_000);
    assert.equal(config.api.maxRequestBytes, 10_240);
    assert.deepEqual(warnings, []);
  });
  it('are refused by their own name when the type is wrong', () => {
    assert.match(
      refusal({ toml: server('keep_lost_clients = "7d"') }),
      /'server\.keep_lost_clients': time: unknown unit/,
    );
  });
});

describe('settings that do nothing', () => {
  const only = (situation: Parameters<typeof load>[0]): string => {
    const { warnings } = load(situation);
    assert.equal(warnings.length, 1, JSON.stringify(warnings));
    return warnings[0]?.message ?? '';
  };
  it('are named in one warning when unknown, with the nearest known key', () => {
    const text = only({
      toml: `${server('adress = "x"', 'jwt_secret = "s3cret"', 'zzzzqqqq = 1')}[nowhere]\nfoo = 1`,
      env: { RPORTD_SHARD: '2' },
    });
    assert.match(text, /server\.adress \(did you mean server\.address\?\)/);
    assert.match(text, /server\.jwt_secret \(did you mean api\.jwt_secret\?\)/);
    assert.match(text, /server\.zzzzqqqq,/);
    assert.match(text, /nowhere\.foo/);
    assert.match(text, /RPORTD_SHARD/);
    assert.doesNotMatch(text, /s3cret/);
  });
  it('are named in one warning when their feature is not part of this release', () => {
    const text = only({
      toml: `${api('auth_file = "/u"', 'doc_root = "/d"', 'totp_enabled = false')}[notifications]\nnotification_script_dir = "/n"\n[smtp]\nauth_password = "s3cret"`,
    });
    assert.match(text, /static files \(api\.doc_root\)/);
    assert.match(text, /notifications \(notifications\.notification_script_dir\)/);
    assert.doesNotMatch(text, /totp|smtp|s3cret/);
  });
});

describe('features this release does not have', () => {
  const users = 'auth_file = "/u"';
  for (const [toml, path, more] of [
    [api(users, 'enable_acme = true', 'base_url = "https://a.example.com"'), 'api.enable_acme', {}],
  ] as const)
    it(`stop the start when safety depends on them: ${path}`, () => {
      const text = message({ toml, ...more });
      assert.ok(text.startsWith(`Invalid config: ${path} is set, but `), text);
      assert.match(text, /not available in this release/);
    });
});
