import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { flags } from '../../src/config/command-line/flags.js';
import { helpText, versionText } from '../../src/config/command-line/help.js';
import { parseCommandLine } from '../../src/config/command-line/parse.js';
import { deprecatedKeys } from '../../src/config/deprecated.js';
import { findKey } from '../../src/config/keys.js';
import { load, server } from './surroundings.js';

function parsed(...argv: string[]) {
  const result = parseCommandLine(argv);
  if ('error' in result) throw new Error(result.error);
  return { ...result, overrides: Object.fromEntries(result.overrides) };
}
const error = (...argv: string[]): string => {
  const result = parseCommandLine(argv);
  return 'error' in result ? result.error : 'accepted';
};

describe('the command line', () => {
  it('serves unless told otherwise', () => {
    assert.deepEqual(parsed(), { command: 'serve', configPath: null, overrides: {} });
    assert.equal(parsed('serve').command, 'serve');
    for (const argv of [['--help'], ['-h'], ['help'], ['--addr', 'x', '-h']])
      assert.equal(parsed(...argv).command, 'help');
    for (const argv of [['--version'], ['-v'], ['version']]) assert.equal(parsed(...argv).command, 'version');
  });
  it('takes values attached or apart, long or short', () => {
    for (const argv of [['--addr=:1'], ['--addr', ':1'], ['-a', ':1'], ['-a:1'], ['-a=:1']])
      assert.deepEqual(parsed(...argv).overrides, { 'server.address': ':1' });
    assert.equal(parsed('-c', '/x').configPath, '/x');
    assert.equal(parsed('--config=/x').configPath, '/x');
    assert.deepEqual(parsed('--auth=a:b=c').overrides, { 'server.auth': 'a:b=c' });
  });
  it('takes booleans without a value, and lists more than once', () => {
    assert.deepEqual(parsed('--allow-root', '--auth-write=false').overrides, {
      'server.allow_root': true,
      'server.auth_write': false,
    });
    assert.deepEqual(parsed('--use-ports=1-2,5', '--use-ports', '9', '-e', '').overrides, {
      'server.used_ports': ['1-2', '5', '9'],
      'server.excluded_ports': [],
    });
  });
  for (const [argv, text] of [
    [['--x'], 'Error: unknown flag: --x'],
    [['-x'], "Error: unknown shorthand flag: 'x' in -x"],
    [['--cleanup-clients-interval=1m'], 'Error: unknown flag: --cleanup-clients-interval'],
    [['--addr'], 'Error: flag needs an argument: --addr'],
    [['-a'], "Error: flag needs an argument: 'a' in -a"],
    [
      ['--max-request-bytes=x'],
      'Error: invalid argument "x" for "--max-request-bytes" flag: strconv.ParseInt: parsing "x": invalid syntax',
    ],
    [
      ['--check-port-timeout', '5'],
      'Error: invalid argument "5" for "--check-port-timeout" flag: time: missing unit in duration "5"',
    ],
    [
      ['--allow-root=maybe'],
      'Error: invalid argument "maybe" for "--allow-root" flag: strconv.ParseBool: parsing "maybe": invalid syntax',
    ],
    [['bogus'], 'Error: unknown command "bogus" for "tideway"\nRun \'tideway --help\' for usage.'],
    [['backup'], 'Error: command "backup" is not available in this release'],
    [['--service', 'install'], 'Error: --service is not available in this release'],
    [['serve', 'more'], 'Error: unexpected argument "more"'],
  ] as const)
    it(`refuses ${argv.join(' ')}`, () => assert.equal(error(...argv), text));

  it('names every flag in its help', () => {
    for (const { name } of flags) assert.match(helpText(), new RegExp(`--${name}\\b`));
    assert.equal(versionText('1.2.3'), 'tideway version 1.2.3');
  });

  describe('every flag beats the file', () => {
    const samples: Record<string, string> = {
      '--url': 'http://flag',
      '--auth': 'flag:pw',
      '--api-auth': 'flag:pw',
      '--proxy': 'http://flag',
      '--use-ports': '2007',
      '--log-level': 'debug',
      '--db-type': 'sqlite',
    };
    /** Flags that cannot stand alone beside the test's file; their rules are tested with the sections. */
    const special = [
      '--authfile',
      '--auth-table',
      '--api-authfile',
      '--api-auth-user-table',
      '--tunnel-proxy-cert-file',
      '--tunnel-proxy-key-file',
      '--api-cert-file',
      '--api-key-file',
    ];
    for (const { name, kind, path } of flags) {
      if (path === null) continue;
      it(`--${name}`, () => {
        const [section = '', key = ''] = path.split('.');
        assert.ok(findKey(section, key) !== undefined || deprecatedKeys.has(path), `${path} is no setting`);
        const flag = `--${name}`;
        const byKind = { string: 'from-flag', bool: 'false', int: '3', duration: '3s', list: '20007' }[kind];
        const value = samples[flag] ?? byKind;
        if (special.includes(flag)) {
          assert.deepEqual(parsed(flag, value).overrides, { [path]: value });
          return;
        }
        const toml = `${server('max_request_bytes_client = 1000', 'allow_root = true')}[api]\naddress = "file:1"\nauth = "file:pw"\n[monitoring]\ndata_storage_duration = "9d"`;
        const before = JSON.stringify(load({ toml }).config);
        assert.notEqual(
          JSON.stringify(load({ toml, argv: [`${flag}=${negated(flag, value)}`] }).config),
          before,
        );
      });
    }
    const negated = (flag: string, value: string): string =>
      flag === '--equate-clientauthid-clientid' ? 'true' : value;
  });
});
