import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isUserCommand, parseUserCommand } from '../../src/user-command/parse.js';

const parsed = (...args: string[]) => {
  const result = parseUserCommand(['user', ...args]);
  if (result.kind !== 'run') throw new Error(result.kind === 'wrong' ? result.error : 'usage');
  return result.command;
};
const wrong = (...args: string[]): string => {
  const result = parseUserCommand(['user', ...args]);
  if (result.kind !== 'wrong') throw new Error('accepted');
  assert.match(result.usage, /^Usage:\n {2}tideway user \w+ \[flags\]\n/);
  return result.error;
};
const usage = (...args: string[]): string => {
  const result = parseUserCommand(['user', ...args]);
  return result.kind === 'usage' ? result.text : result.kind;
};

const PASSWORD_VALUE = 'flag -p, --password takes no value, it is asked for';

describe('the command line for users', () => {
  it('begins with the word user, behind flags of the server at most', () => {
    for (const argv of [['user'], ['user', 'add'], ['-c', 'x', 'user'], ['--config=x', 'user', 'list']])
      assert.ok(isUserCommand(argv), argv.join(' '));
    for (const argv of [[], ['serve', 'user'], ['-c', 'user'], ['--addr', 'user'], ['--help']])
      assert.ok(!isUserCommand(argv), argv.join(' '));
    assert.deepEqual(parseUserCommand(['-c', 'x', 'user', 'list']), {
      kind: 'run',
      command: parsed('list', '-c', 'x'),
    });
  });

  it('takes what the reference takes', () => {
    const anna = { username: 'anna', groups: null, twoFaSendTo: null, password: false, configArguments: [] };
    assert.deepEqual(parsed('add', '-u', 'anna'), { action: 'add', ...anna });
    assert.deepEqual(parsed('-u', 'anna', 'delete'), { action: 'delete', ...anna });
    assert.deepEqual(parsed('change', '--username=anna', '-p', '-c', '/x', '--2fa-sendto', 'a@b'), {
      action: 'change',
      ...anna,
      twoFaSendTo: 'a@b',
      password: true,
      configArguments: ['--config=/x'],
    });
  });

  it('takes groups repeatedly and with commas; an empty text means none', () => {
    const groups = (...args: string[]) => parsed('change', '-u', 'anna', ...args).groups;
    assert.equal(groups('-p'), null);
    assert.deepEqual(groups('-g', 'a,b', '--group=c', '-gd'), ['a', 'b', 'c', 'd']);
    assert.deepEqual(groups('-g', ''), []);
    assert.deepEqual(groups('-g', '', '-g', 'a'), ['a']);
  });

  it('hands on where the server would find its users', () => {
    assert.deepEqual(
      parsed('list', '--data-dir', '/d', '--api-authfile=/u', '--allow-root').configArguments,
      ['--data-dir=/d', '--api-authfile=/u', '--allow-root'],
    );
  });

  for (const [args, error] of [
    [['add'], 'required flag(s) "username" not set'],
    [['delete', '-u', ''], 'required flag(s) "username" not set'],
    [['add', '-u'], "flag needs an argument: 'u' in -u"],
    [['add', '-u', 'x', '-p'], "unknown shorthand flag: 'p' in -p"],
    [['delete', '-u', 'x', '-g', 'a'], "unknown shorthand flag: 'g' in -g"],
    [['delete', '-u', 'x', '--group=a'], 'unknown flag: --group'],
    [['list', '-u', 'x'], "unknown shorthand flag: 'u' in -u"],
    [['add', '-u', 'x', '--service=run'], 'unknown flag: --service'],
    // A password typed in the wrong place is not repeated.
    [['change', '-u', 'x', '-p', 's3cret'], 'unexpected argument'],
    [['change', '-u', 'x', '-ps3cret'], PASSWORD_VALUE],
    [['change', '-u', 'x', '-p=s3cret'], PASSWORD_VALUE],
    [['change', '-u', 'x', '--password=s3cret'], PASSWORD_VALUE],
    [['add', '-u', 'x', '--password=s3cret'], PASSWORD_VALUE],
  ] as const)
    it(`refuses ${args.join(' ')}`, () => assert.equal(wrong(...args), error));

  it('explains itself', () => {
    for (const args of [[], ['bogus'], ['--help'], ['-h']])
      assert.match(usage(...args), /Available Commands:/);
    for (const action of ['add', 'change', 'delete', 'list'])
      assert.match(usage(action, '--help'), new RegExp(`Usage:\n {2}tideway user ${action} \\[flags\\]`));
  });
});
