import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Restriction } from '../../../src/auth/groups/group.js';
import { checkCommand } from '../../../src/auth/restrictions/check-command.js';
import { AppError } from '../../../src/errors.js';

const NOT_ALLOWED = "Command is forbidden. It matches none of the 'allow' regular expressions";
const DENIED = "Command is forbidden. It matches one of the 'deny' regular expressions";
const NO_SUDO = 'Command with is_sudo=true is forbidden. You are not allowed to set is_sudo value';

function asked(restrictions: readonly Restriction[] | null, command: string, isSudo = false): string {
  try {
    checkCommand(restrictions, { command, isSudo });
    return 'allowed';
  } catch (error) {
    assert.ok(error instanceof AppError);
    assert.equal(error.status, 400);
    return error.title;
  }
}

for (const [restriction, command, isSudo, expected] of [
  [{ allow: ['^ls', '^df( |$)'] }, 'df -h', false, 'allowed'],
  [{ allow: ['^ls', '^df( |$)'] }, 'dfx', false, NOT_ALLOWED],
  [{ allow: [] }, 'rm -rf /', false, 'allowed'],
  [{ Allow: '^ls$' }, 'ls', false, 'allowed'],
  [{ deny: ['\\bsudo\\b', 'rm '] }, 'sudo ls', false, DENIED],
  [{ deny: ['\\bsudo\\b'] }, 'pseudo', false, 'allowed'],
  [{ allow: ['^apt'], deny: ['remove'] }, 'apt install x', false, 'allowed'],
  [{ allow: ['^apt'], deny: ['remove'] }, 'apt remove x', false, DENIED],
  // Anchors are those of the whole text, so a second line hides nothing.
  [{ allow: ['^ls$'] }, 'ls\nrm -rf /', false, NOT_ALLOWED],
  [{ is_sudo: false }, 'ls', true, NO_SUDO],
  [{ 'is-sudo': false }, 'ls', true, NO_SUDO],
  [{ is_sudo: false }, 'sudo ls', false, 'allowed'],
  [{ is_sudo: true }, 'ls', true, 'allowed'],
  [{ allow: ['^ls'] }, 'ls', true, 'allowed'],
  // Written by hand somewhere else: what cannot be judged is forbidden.
  [{ allow: ['['] }, 'ls', false, NOT_ALLOWED],
  [{ deny: ['['] }, 'ls', false, DENIED],
  [{ allow: 5 }, 'ls', false, NOT_ALLOWED],
  [{ deny: [5] }, 'ls', false, DENIED],
  [{ is_sudo: 'no' }, 'ls', true, NO_SUDO],
] as const) {
  test(`${JSON.stringify(restriction)}: ${JSON.stringify(command)}${isSudo ? ' with is_sudo' : ''}`, () =>
    assert.equal(asked([restriction], command, isSudo), expected));
}

test('groups add up', () => {
  const groups = [{ allow: ['^ls'] }, { allow: ['^apt'], is_sudo: false }];
  assert.equal(asked(groups, 'ls', true), 'allowed');
  assert.equal(asked(groups, 'apt update'), 'allowed');
  assert.equal(asked(groups, 'apt update', true), NOT_ALLOWED);
  assert.equal(asked(null, 'rm -rf /', true), 'allowed');
  assert.notEqual(asked([], 'ls'), 'allowed');
});

test('a hostile command costs no more than its length', () => {
  const started = process.hrtime.bigint();
  const command = `${'a'.repeat(500_000)}!`;
  assert.equal(asked([{ allow: ['^(a+)+$', '^(a|a?)+$', '^(.*a){20}$'] }], command), NOT_ALLOWED);
  assert.ok(process.hrtime.bigint() - started < 20_000_000_000n);
});
