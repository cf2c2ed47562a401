/** One field of a cron text, in the words of the robfig/cron parser. Spec 04 §15.2. */

import { parseGoInteger } from '../../go/integer.js';
import type { Parsed } from '../../go/parsed.js';
import type { CronField } from './schedule.js';

export interface FieldBounds {
  readonly min: number;
  readonly max: number;
  /** Lower-case names of values. */
  readonly names?: ReadonlyMap<string, number>;
}

interface Range {
  readonly start: number;
  readonly end: number;
  readonly step: number;
  readonly star: boolean;
}

/** Reads a comma list of ranges. Empty items are skipped, so `,` allows nothing. */
export function parseField(text: string, bounds: FieldBounds): Parsed<CronField> {
  const allows = new Array<boolean>(bounds.max + 1).fill(false);
  let star = false;
  for (const item of text.split(',')) {
    if (item === '') continue;
    const range = parseRange(item, bounds);
    if (!range.ok) return range;
    const { start, end, step } = range.value;
    for (let value = start; value <= end; value += step) allows[value] = true;
    star ||= range.value.star;
  }
  return { ok: true, value: { allows, star } };
}

/** `*`, `?`, `n` or `n-m`, each with an optional `/step`; `n/step` goes on to the maximum. */
function parseRange(text: string, bounds: FieldBounds): Parsed<Range> {
  const [range = '', stepText, ...moreSteps] = text.split('/');
  const [low = '', high, ...moreBounds] = range.split('-');
  const all = low === '*' || low === '?';
  let start = bounds.min;
  let end = bounds.max;
  if (!all) {
    const first = parseValue(low, bounds);
    if (!first.ok) return first;
    if (moreBounds.length > 0) return refused(`too many hyphens: ${text}`);
    const last = high === undefined ? first : parseValue(high, bounds);
    if (!last.ok) return last;
    start = first.value;
    end = last.value;
  }
  let step = 1;
  if (moreSteps.length > 0) return refused(`too many slashes: ${text}`);
  if (stepText !== undefined) {
    const parsed = parseNumber(stepText);
    if (!parsed.ok) return parsed;
    step = parsed.value;
    if (high === undefined) end = bounds.max;
  }
  if (start < bounds.min)
    return refused(`beginning of range (${start}) below minimum (${bounds.min}): ${text}`);
  if (end > bounds.max) return refused(`end of range (${end}) above maximum (${bounds.max}): ${text}`);
  if (start > end) return refused(`beginning of range (${start}) beyond end of range (${end}): ${text}`);
  if (step === 0) return refused(`step of range should be a positive number: ${text}`);
  return { ok: true, value: { start, end, step, star: all && step === 1 } };
}

function parseValue(text: string, { names }: FieldBounds): Parsed<number> {
  const named = names?.get(text.toLowerCase());
  return named === undefined ? parseNumber(text) : { ok: true, value: named };
}

function parseNumber(text: string): Parsed<number> {
  const parsed = parseGoInteger(text);
  if (!parsed.ok) return refused(`failed to parse int from ${text}: ${parsed.error}`);
  if (parsed.value < 0) return refused(`negative number (${parsed.value}) not allowed: ${text}`);
  return parsed;
}

const refused = (error: string): { readonly ok: false; readonly error: string } => ({ ok: false, error });
