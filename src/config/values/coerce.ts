/**
 * Weak typing of configuration values. Existing files rely on it: ports as integers, booleans as text, lists as
 * one comma-separated string. Every function throws an Error that says what is wrong with the value; the caller
 * adds which key it was. Spec 07 §1.3.
 */

import { parseGoDuration } from '../../go/duration.js';
import type { LogLevel } from '../../logging/logger.js';
import type { Milliseconds } from '../../time.js';
import { nanosecondsToMilliseconds, parseExtendedDuration } from './duration.js';

/** What TOML, an environment variable or a flag may deliver. */
export type RawValue = unknown;

const trueTexts = new Set(['1', 't', 'T', 'TRUE', 'true', 'True']);
const falseTexts = new Set(['0', 'f', 'F', 'FALSE', 'false', 'False', '']);
const levels: readonly LogLevel[] = ['error', 'info', 'debug'];

export function toText(value: RawValue): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  // Go's weak decoding writes booleans as digits.
  if (typeof value === 'boolean') return value ? '1' : '0';
  throw new Error(`expected a string, got ${typeName(value)}`);
}

export function toInteger(value: RawValue): number {
  if (typeof value === 'boolean') return value ? 1 : 0;
  const number = typeof value === 'string' ? integerFromText(value) : value;
  if (typeof number !== 'number') throw new Error(`expected an integer, got ${typeName(value)}`);
  if (!Number.isSafeInteger(number)) throw new Error(`expected an integer, got ${number}`);
  return number;
}

export function toFloat(value: RawValue): number {
  if (typeof value === 'boolean') return value ? 1 : 0;
  const number = typeof value === 'string' ? floatFromText(value) : value;
  if (typeof number !== 'number') throw new Error(`expected a number, got ${typeName(value)}`);
  if (!Number.isFinite(number)) throw new Error(`expected a finite number, got ${number}`);
  return number;
}

export function toBoolean(value: RawValue): boolean {
  if (typeof value === 'boolean') return value;
  if (typeof value === 'number') return value !== 0;
  if (typeof value !== 'string') throw new Error(`expected a boolean, got ${typeName(value)}`);
  if (trueTexts.has(value)) return true;
  if (falseTexts.has(value)) return false;
  throw new Error(`strconv.ParseBool: parsing ${JSON.stringify(value)}: invalid syntax`);
}

/** An array, a single value, or text: one optional pair of brackets around one CSV record. */
export function toList(value: RawValue): readonly string[] {
  if (Array.isArray(value)) return value.map(toText);
  if (typeof value !== 'string') return [toText(value)];
  const record = value.replace(/^\[/, '').replace(/\]$/, '');
  return record === '' ? [] : parseCsvRecord(record);
}

/** A bare number is refused: the reference takes it as nanoseconds, which nobody means. */
export function toDuration(value: RawValue): Milliseconds {
  return nanosecondsToMilliseconds(parseGoDuration(durationText(value)));
}

/** Like `toDuration`, with days and weeks. */
export function toExtendedDuration(value: RawValue): Milliseconds {
  return nanosecondsToMilliseconds(parseExtendedDuration(durationText(value)));
}

export function toLogLevel(value: RawValue): LogLevel {
  const level = typeof value === 'number' ? levels[value] : levels.find((name) => name === value);
  if (level === undefined)
    throw new Error(`invalid log level: ${JSON.stringify(value)}; use 'error', 'info' or 'debug'`);
  return level;
}

function durationText(value: RawValue): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number')
    throw new Error(`a duration needs a unit: write "${value}s", "${value}m" or "${value}h" in quotes`);
  throw new Error(`expected a duration such as "90s" or "1h30m", got ${typeName(value)}`);
}

function integerFromText(text: string): number {
  if (text === '') return 0;
  if (!/^[+-]?([0-9]+|0[xX][0-9a-fA-F]+)$/.test(text))
    throw new Error(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  const magnitude = Number(text.replace(/^[+-]/, ''));
  return text.startsWith('-') ? -magnitude : magnitude;
}

function floatFromText(text: string): number {
  if (text === '') return 0;
  if (!/^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$/.test(text))
    throw new Error(`strconv.ParseFloat: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text);
}

/** One CSV record as Go's reader takes it: a field in double quotes may hold commas, `""` is a quote in it. */
function parseCsvRecord(record: string): string[] {
  const fields: string[] = [];
  let rest: string | null = record;
  while (rest !== null) {
    const quoted: RegExpExecArray | null = /^"((?:[^"]|"")*)"(,|$)/.exec(rest);
    if (quoted !== null) {
      fields.push((quoted[1] ?? '').replaceAll('""', '"'));
      rest = quoted[2] === ',' ? rest.slice(quoted[0].length) : null;
      continue;
    }
    const comma: number = rest.indexOf(',');
    const field: string = comma < 0 ? rest : rest.slice(0, comma);
    if (field.includes('"')) throw new Error(`bare " in the list ${JSON.stringify(record)}`);
    fields.push(field);
    rest = comma < 0 ? null : rest.slice(comma + 1);
  }
  return fields;
}

function typeName(value: RawValue): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (value instanceof Date) return 'a date';
  if (typeof value === 'object') return 'a table';
  return typeof value;
}
