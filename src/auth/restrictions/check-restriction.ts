/** What a group may have as `tunnels_restricted` or `commands_restricted`. Spec 02 §14.3, 05 §22.1. */

import { AppError } from '../../errors.js';
import { goQuote } from '../../go/quote.js';
import type { Restriction } from '../groups/group.js';
import { parseLimit } from './limit.js';
import { compileRegularExpression } from './regular-expression.js';

/** UTF-8 bytes of the JSON text. */
const LARGEST = 64 * 1024;
const LONGEST_LIST = 1000;
/** Characters of a refused value that the answer repeats. */
const SHOWN = 200;
/** Lists whose items are regular expressions; the items of others are compared as they are. */
const PATTERN_LISTS: ReadonlySet<string> = new Set(['allow', 'deny']);

/**
 * The form to store: keys in lower case; `null` for nothing and for an empty object, which restrict nothing.
 * Throws `AppError` 400 that names what is wrong.
 */
export function checkRestriction(value: unknown): Restriction | null {
  if (value === null || value === undefined) return null;
  if (!isObject(value))
    throw refusal(`restriction ${shown(value)} of type ${typeName(value)} not recognized`);
  if (Buffer.byteLength(JSON.stringify(value)) > LARGEST) {
    throw refusal(`restriction is larger than ${LARGEST} bytes`);
  }
  const checked = new Map<string, unknown>();
  for (const [key, item] of lowered(value)) checked.set(key, checkItem(key, item));
  return checked.size === 0 ? null : Object.fromEntries(checked);
}

function checkItem(key: string, item: unknown): unknown {
  if (typeof item === 'boolean') return item;
  if (typeof item === 'string') return checkPattern(item);
  if (Array.isArray(item)) return checkList(key, item);
  if (isObject(item)) return checkRange(item);
  throw refusal(`restriction ${shown(item)} of type ${typeName(item)} not recognized`);
}

function checkPattern(pattern: string): string {
  try {
    compileRegularExpression(pattern);
    return pattern;
  } catch (error) {
    const quoted = goQuote(pattern.slice(0, SHOWN));
    throw refusal(`invalid restriction regular expression ${quoted}: ${(error as Error).message}`);
  }
}

function checkList(key: string, list: readonly unknown[]): readonly string[] {
  if (list.length > LONGEST_LIST) {
    throw refusal(`restriction list ${shown(key)} has more than ${LONGEST_LIST} items`);
  }
  return list.map((item) => {
    if (typeof item !== 'string') {
      throw refusal(`invalid restriction list ${shown(item)} of type ${typeName(item)}`);
    }
    return PATTERN_LISTS.has(key) ? checkPattern(item) : item;
  });
}

function checkRange(range: Readonly<Record<string, unknown>>): Restriction {
  const limits = lowered(range);
  for (const [rule, limit] of limits) {
    if (rule !== 'min' && rule !== 'max') throw refusal(`invalid restriction rule '${shown(rule)}'`);
    if (parseLimit(limit) === undefined) {
      throw refusal(`restriction ${shown(limit)} not parseable as time.duration: invalid type`);
    }
  }
  return Object.fromEntries(limits);
}

/** Which of two spellings counts would be chance, so there may be one only. */
function lowered(object: Readonly<Record<string, unknown>>): ReadonlyMap<string, unknown> {
  const entries = new Map<string, unknown>();
  for (const [key, value] of Object.entries(object)) {
    const name = key.toLowerCase();
    if (entries.has(name)) throw refusal(`restriction '${shown(name)}' is given twice`);
    entries.set(name, value);
  }
  return entries;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** As the reference names JSON types. */
function typeName(value: unknown): string {
  if (value === null) return '<nil>';
  if (Array.isArray(value)) return '[]interface {}';
  if (typeof value === 'object') return 'map[string]interface {}';
  if (typeof value === 'boolean') return 'bool';
  return typeof value === 'number' ? 'float64' : 'string';
}

function shown(value: unknown): string {
  if (value === null) return '<nil>';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}...` : text;
}

const refusal = (title: string): AppError => new AppError('bad_request', { title });
