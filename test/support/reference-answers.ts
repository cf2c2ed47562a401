/**
 * Answers of a running server against what the reference's own description says of them: status, every field, and the
 * type of each. `test/conformance/reference-answers.fixture.json` holds that, by operation and status; beside the names
 * of JSON types there are `time` (RFC 3339), `uuid` and texts in quotes. Where the description contradicts what the
 * reference does (spec 03 §2.2), the test that calls says so.
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { ApiAnswer } from './api-client.js';

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

type Types = Readonly<Record<string, string>>;

const fixture = new URL('../../../test/conformance/reference-answers.fixture.json', import.meta.url);
const operations = JSON.parse(readFileSync(fixture, 'utf8')) as Readonly<
  Record<string, Readonly<Record<string, Types>>>
>;

export interface Contradiction {
  /** The status that is sent in place of the described one. */
  readonly status?: number;
  /** Types by field that replace the described ones; `absent` = it is never sent. Nothing is below `absent` and `null`. */
  readonly types?: Types;
}

const looked = new Set<string>();

/** Fails when one of the reference's operations that fit has not been given to `assertDescribed` in this process. */
export function assertAllLookedAt(path: RegExp): void {
  const fitting = Object.keys(operations).filter((name) => path.test(name.replace(/^\w+ /, '')));
  assert.ok(fitting.length > 0);
  assert.deepEqual(
    fitting.filter((name) => !looked.has(name)),
    [],
  );
}

/**
 * Fails unless `answer` is the described success of `operation`, such as `GET /client-groups`. Every described field has
 * to be there at least once, so lists and objects must hold something. What Go calls a nil list or object may be `null`
 * elsewhere; more fields than described are fine.
 */
export function assertDescribed(operation: string, answer: ApiAnswer, but: Contradiction = {}): void {
  const described = operations[operation];
  assert.ok(described, `${operation} is described`);
  looked.add(operation);
  const statuses = but.status === undefined ? Object.keys(described) : [String(but.status)];
  assert.ok(
    statuses.includes(String(answer.status)),
    `${operation} answered ${answer.status}: ${answer.text}`,
  );
  const types = { ...(described[answer.status] ?? {}), ...but.types };
  if (Object.keys(types).length === 0) {
    assert.equal(answer.text, '', `${operation} has an empty answer`);
    return;
  }
  assert.match(String(answer.headers['content-type']), /^application\/json/);
  const empty = Object.keys(but.types ?? {}).filter((path) => /^(?:absent|null)$/.test(types[path] ?? ''));
  for (const [path, type] of Object.entries(types)) {
    if (empty.some((parent) => path.startsWith(parent) && /^[.[]/.test(path.slice(parent.length)))) continue;
    const found = [...at(answer.json, path.split(/\.|(?=\[\])/))];
    if (type === 'absent') {
      assert.ok(
        found.every((value) => value === undefined),
        `${operation} sends no ${path}`,
      );
      continue;
    }
    assert.ok(found.length > 0, `${operation}: there is a ${path} to look at`);
    for (const value of found) {
      assert.ok(fits(value, type), `${operation}: ${path} is ${JSON.stringify(value)}, described as ${type}`);
    }
  }
}

/** All values at a path; `undefined` where an object has no such key. Nothing below what is null. */
function* at(value: unknown, [step, ...rest]: readonly string[]): Iterable<unknown> {
  if (step === undefined) yield value;
  else if (value === null || value === undefined) return;
  else if (step === '[]') for (const item of value as unknown[]) yield* at(item, rest);
  else yield* at((value as Record<string, unknown>)[step], rest);
}

function fits(value: unknown, type: string): boolean {
  return type.split('|').some((name) => {
    switch (name) {
      case 'array':
        return value === null || Array.isArray(value);
      case 'object':
        return value === null || (typeof value === 'object' && !Array.isArray(value));
      case 'integer':
        return Number.isSafeInteger(value);
      case 'null':
        return value === null;
      case 'time':
        return typeof value === 'string' && TIME.test(value) && !Number.isNaN(Date.parse(value));
      case 'uuid':
        return typeof value === 'string' && UUID.test(value);
      default:
        return name.startsWith("'") ? value === name.slice(1, -1) : typeof value === name;
    }
  });
}
