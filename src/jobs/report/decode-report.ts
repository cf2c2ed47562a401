/** `cmd_result` of an agent: only what it may say is read. Spec 04 §11.4 and §11.5. */

import { jobId } from '../../ids.js';
import type { Instant } from '../../time.js';
import { type JobOutput, outputNames } from '../job.js';
import { decodeSmallReport, LARGEST_SMALL_REPORT } from './decode-small-report.js';
import { type RecodedText, recodeText } from './recode-text.js';
import { ReportError } from './report-error.js';
import {
  type DecodedReport,
  LARGEST_ERROR,
  LARGEST_OUTPUT,
  LARGEST_SUMMARY,
  LONGEST_WORD,
  statusOf,
  timeOrNull,
} from './report-fields.js';
import { type Span, scanObject } from './scan-object.js';

/**
 * A result of any size. One piece ends at each `yield`; small ones are one piece.
 * @param now when it came. Throws `ReportError`
 */
export function* decodeReport(payload: Buffer, now: Instant): Generator<void, DecodedReport> {
  const small = payload.length <= LARGEST_SMALL_REPORT ? decodeSmallReport(payload, now) : null;
  return small ?? (yield* decodeInPieces(payload, now));
}

/** Whatever agents send: long, in another form, or wrong. Like `decodeReport`. */
export function* decodeInPieces(payload: Buffer, now: Instant): Generator<void, DecodedReport> {
  const values = yield* scanObject(payload, { start: 0, end: payload.length });
  const word = (key: string): string => readWord(payload, values.get(key));
  const jid = word('jid');
  if (jid === '') throw new ReportError('no jid');
  const error = yield* readText(payload, values.get('error'), LARGEST_ERROR);
  const result = values.get('result');
  const { output, notes } =
    result === undefined || isNull(payload, result)
      ? { output: null, notes: [] }
      : yield* readOutput(payload, result);
  const said = JSON.parse(error.json) as string;
  return {
    jid: jobId(jid),
    startedAt: timeOrNull(word('started_at')),
    report: {
      status: statusOf(word('status')),
      finishedAt: timeOrNull(word('finished_at')) ?? now,
      pid: readNumber(payload, values.get('pid')),
      error: [said, ...notes].filter((text) => text !== '').join(', '),
      output,
    },
  };
}

function* readOutput(
  payload: Buffer,
  span: Span,
): Generator<void, { output: JobOutput; notes: readonly string[] }> {
  const values = yield* scanObject(payload, span);
  const texts = new Map<string, string>();
  const notes: string[] = [];
  for (const name of outputNames) {
    const longest = name === 'summary' ? LARGEST_SUMMARY : LARGEST_OUTPUT;
    const { json, cut } = yield* readText(payload, values.get(name), longest);
    texts.set(name, json);
    if (cut) notes.push(`${name} truncated by the server to ${longest} bytes`);
  }
  const text = (name: string): string => texts.get(name) ?? '""';
  return { output: { stdout: text('stdout'), stderr: text('stderr'), summary: text('summary') }, notes };
}

const EMPTY: RecodedText = { json: '""', cut: false };

function* readText(payload: Buffer, span: Span | undefined, longest: number): Generator<void, RecodedText> {
  if (span === undefined || isNull(payload, span)) return EMPTY;
  if (payload[span.start] !== 0x22) throw new ReportError('a text is not a string');
  return yield* recodeText(payload, span, longest);
}

/** Empty for anything but a short string. */
function readWord(payload: Buffer, span: Span | undefined): string {
  const value = readShort(payload, span);
  return typeof value === 'string' ? value : '';
}

function readNumber(payload: Buffer, span: Span | undefined): number | null {
  const value = readShort(payload, span);
  return Number.isSafeInteger(value) ? (value as number) : null;
}

function readShort(payload: Buffer, span: Span | undefined): unknown {
  if (span === undefined || span.end - span.start > LONGEST_WORD) return null;
  try {
    return JSON.parse(payload.toString('utf8', span.start, span.end));
  } catch {
    throw new ReportError('not JSON');
  }
}

const isNull = (payload: Buffer, { start, end }: Span): boolean =>
  end - start === 4 && payload.toString('latin1', start, end) === 'null';
