/**
 * Results of usual size and form, read at once by the engine's own parser: thousands of agents send one at the same
 * time. Everything else is left to `decodeInPieces`, which says what is wrong with it.
 */

import { jsonText } from '../../go/json-text.js';
import { jobId } from '../../ids.js';
import type { Instant } from '../../time.js';
import type { JobOutput } from '../job.js';
import {
  type DecodedReport,
  LARGEST_ERROR,
  LARGEST_OUTPUT,
  LARGEST_SUMMARY,
  LONGEST_WORD,
  statusOf,
  timeOrNull,
} from './report-fields.js';
import { MOST_KEYS } from './scan-object.js';

/** Reading this much takes half a millisecond at most. */
export const LARGEST_SMALL_REPORT = 64 * 1024;
/** Characters; honest keys have eleven. */
const LONGEST_KEY = 32;

/** @param payload at most `LARGEST_SMALL_REPORT` bytes. `null` for what has to be looked at closely */
export function decodeSmallReport(payload: Buffer, now: Instant): DecodedReport | null {
  const values = valuesOf(parse(payload));
  if (values === null) return null;
  const jid = word(values.get('jid'));
  const error = text(values.get('error'), LARGEST_ERROR);
  const output = outputOf(values.get('result') ?? null);
  if (jid === '' || error === null || output === undefined) return null;
  const pid = values.get('pid');
  return {
    jid: jobId(jid),
    startedAt: timeOrNull(word(values.get('started_at'))),
    report: {
      status: statusOf(word(values.get('status'))),
      finishedAt: timeOrNull(word(values.get('finished_at'))) ?? now,
      pid: Number.isSafeInteger(pid) ? (pid as number) : null,
      error,
      output,
    },
  };
}

function parse(payload: Buffer): unknown {
  try {
    return JSON.parse(payload.toString('utf8'));
  } catch {
    return null;
  }
}

/** By key in lower case. `null` for anything but an object, and where two spellings of a key would compete. */
function valuesOf(value: unknown): ReadonlyMap<string, unknown> | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  const entries = Object.entries(value);
  if (entries.length > MOST_KEYS) return null;
  const values = new Map<string, unknown>();
  for (const [key, field] of entries) {
    if (key.length > LONGEST_KEY) return null;
    values.set(key.toLowerCase(), field);
  }
  return values.size === entries.length ? values : null;
}

/** `undefined` for what is neither an output nor `null`. */
function outputOf(value: unknown): JobOutput | null | undefined {
  if (value === null) return null;
  const values = valuesOf(value);
  const stdout = text(values?.get('stdout'), LARGEST_OUTPUT);
  const stderr = text(values?.get('stderr'), LARGEST_OUTPUT);
  const summary = text(values?.get('summary'), LARGEST_SUMMARY);
  if (values === null || stdout === null || stderr === null || summary === null) return undefined;
  return { stdout: jsonText(stdout), stderr: jsonText(stderr), summary: jsonText(summary) };
}

/** Empty where there is none; `null` for what is no text, or too long. */
function text(value: unknown, longest: number): string | null {
  if (value === undefined || value === null) return '';
  if (typeof value !== 'string') return null;
  const whole = value.toWellFormed();
  return Buffer.byteLength(whole) > longest ? null : whole;
}

/** Empty for anything but a short string. */
const word = (value: unknown): string =>
  typeof value === 'string' && Buffer.byteLength(value) + 2 <= LONGEST_WORD ? value : '';
