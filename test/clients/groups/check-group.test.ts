/** Spec 03 §15.5, cases 1 and 2. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkGroupId, checkTagParam } from '../../../src/clients/groups/check-group.js';
import { AppError } from '../../../src/errors.js';

function refusal(check: () => unknown): string | null {
  try {
    check();
    return null;
  } catch (error) {
    assert.ok(error instanceof AppError);
    assert.deepEqual([error.status, error.title], [400, 'Invalid client group.']);
    return error.detail;
  }
}

test('ids', () => {
  for (const id of ['*abc-XYZ_09_ABC-xyz*', 'a', '*', 'x'.repeat(30)]) {
    assert.equal(
      refusal(() => checkGroupId(id)),
      null,
      id,
    );
  }
  const invalid = (id: string): string => `invalid group ID "${id}": can contain only "A-Za-z0-9_-*"`;
  for (const [id, detail] of [
    ['', 'group ID cannot be empty'],
    [' \t', 'group ID cannot be empty'],
    ['?', invalid('?')],
    ['2.1', invalid('2.1')],
    [' id ', invalid(' id ')],
    ['2/1', invalid('2/1')],
    ['id\n', 'invalid group ID "id\\n": can contain only "A-Za-z0-9_-*"'],
    ['ä', invalid('ä')],
    ['x'.repeat(31), 'invalid group ID: max length 30, got 31'],
    ['ä'.repeat(16), 'invalid group ID: max length 30, got 32'],
  ] as const) {
    assert.equal(
      refusal(() => checkGroupId(id)),
      detail,
    );
  }
});

test('tags', () => {
  const operator = 'error, only and/or is allowed for tags group definitions';
  const form = 'error parsing tags group definitions';
  for (const tag of [
    ['a'],
    [null],
    { AND: ['a'] },
    { or: ['a', 'b'] },
    { and: [null] },
    { and: ['a', 'a'] },
  ]) {
    assert.deepEqual(checkTagParam(tag), tag, 'kept as it was given');
  }
  assert.equal(checkTagParam(null), null);
  assert.equal(checkTagParam(undefined), null);
  for (const [tag, detail] of [
    [{ amd: ['a'] }, operator],
    [{ '': ['a'] }, operator],
    [{ x: [] }, operator],
    [[], form],
    [{}, form],
    [{ and: [] }, form],
    [{ and: null }, form],
    [{ and: ['a'], or: ['b'] }, form],
    [{ and: 'a' }, form],
    [{ x: 'y' }, form],
    [{ and: [['a']] }, form],
    [[1], form],
    ['a', form],
    [7, form],
    [true, form],
  ] as const) {
    assert.equal(
      refusal(() => checkTagParam(tag)),
      detail,
      JSON.stringify(tag),
    );
  }
});
