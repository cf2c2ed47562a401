import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isAuditCommand, parseAuditCommand } from '../../src/audit-command/parse.js';

test('the first word decides whether it is this command', () => {
  assert.ok(isAuditCommand(['audit', 'verify']));
  assert.ok(isAuditCommand(['-c', 'x.conf', 'audit', 'verify']));
  assert.ok(isAuditCommand(['audit', '--nonsense']));
  for (const other of [[], ['serve'], ['user', 'audit'], ['-c', 'audit'], ['--data-dir=audit']]) {
    assert.ok(!isAuditCommand(other), other.join(' '));
  }
});

test('what names the configuration is handed on', () => {
  const run = { kind: 'verify', configArguments: ['--config=x.conf', '--data-dir=/srv/t'] };
  assert.deepEqual(parseAuditCommand(['audit', 'verify', '-c', 'x.conf', '--data-dir', '/srv/t']), run);
  assert.deepEqual(parseAuditCommand(['-c', 'x.conf', 'audit', '--data-dir=/srv/t', 'verify']), run);
});

test('help and slips are told apart', () => {
  for (const help of [['audit'], ['audit', '--help'], ['audit', 'verify', '-h']]) {
    assert.equal(parseAuditCommand(help).kind, 'usage', help.join(' '));
  }
  const wrong = (...argv: string[]): string => {
    const parsed = parseAuditCommand(['audit', ...argv]);
    return parsed.kind === 'wrong' ? parsed.error : parsed.kind;
  };
  assert.equal(wrong('repair'), 'unknown command "repair" for "tideway audit"');
  assert.equal(wrong('verify', 'all'), 'unexpected argument "all"');
  assert.equal(wrong('verify', '--fix'), 'unknown flag: --fix');
  assert.equal(wrong('verify', '--data-dir'), 'flag needs an argument: --data-dir');
});
