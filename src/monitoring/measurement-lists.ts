/** Pages of stored measurements as JSON. Spec 06 §3.2 and §3.3. */

import { GO_ZERO_TIME, goInstant } from '../go/instant.js';
import { escapedJson, jsonText } from '../go/json-text.js';
import type { ClientId } from '../ids.js';
import type { MeasuredText, MeasurementRepository, TimeSpan } from '../store/measurements.js';
import { instant, type Milliseconds } from '../time.js';

export const metricsFields = [
  'timestamp',
  'cpu_usage_percent',
  'memory_usage_percent',
  'io_usage_percent',
] as const;

export interface PageRequest {
  readonly span: TimeSpan;
  readonly newestFirst: boolean;
  readonly offset: number;
  readonly limit: number;
  /** The others stay in the items, with empty values. `undefined` = all. */
  readonly fields: readonly string[] | undefined;
}

/** A JSON array of the items, and how many there are in the whole span. */
export interface MeasurementPage {
  readonly items: string;
  readonly count: number;
}

/** Characters of JSON checked before others have their turn: about a millisecond. */
const CHARACTERS_PER_TURN = 128 * 1024;

/** Like everything here a work for `Turns`. */
export function* metricsPage(
  measurements: MeasurementRepository,
  id: ClientId,
  request: PageRequest,
): Generator<void, MeasurementPage> {
  const count = yield* measurements.count(id, request.span);
  const shows = selection(request.fields);
  const items: string[] = [];
  if (request.offset < count) {
    for (const row of measurements.numbers(id, request.span, request)) {
      items.push(
        jsonText({
          timestamp: shows('timestamp') ? shownTime(row.timestamp) : GO_ZERO_TIME,
          cpu_usage_percent: shows('cpu_usage_percent') ? row.cpuUsagePercent : 0,
          memory_usage_percent: shows('memory_usage_percent') ? row.memoryUsagePercent : 0,
          io_usage_percent: shows('io_usage_percent') ? row.ioUsagePercent : 0,
        }),
      );
    }
  }
  return { items: `[${items.join(',')}]`, count };
}

export function* textsPage(
  measurements: MeasurementRepository,
  id: ClientId,
  which: MeasuredText,
  request: PageRequest,
): Generator<void, MeasurementPage> {
  const count = yield* measurements.count(id, request.span);
  const shows = selection(request.fields);
  const items: string[] = [];
  let checked = 0;
  if (request.offset < count) {
    for (const { timestamp, text } of measurements.texts(id, request.span, which, request)) {
      const shownAt = shows('timestamp') ? shownTime(timestamp) : GO_ZERO_TIME;
      items.push(`{"timestamp":"${shownAt}","${which}":${shows(which) ? embedded(text, which) : 'null'}}`);
      checked += text.length;
      if (checked < CHARACTERS_PER_TURN) continue;
      checked = 0;
      yield;
    }
  }
  return { items: `[${items.join(',')}]`, count };
}

const selection =
  (fields: readonly string[] | undefined) =>
  (name: string): boolean =>
    fields === undefined || fields.includes(name);

const shownTime = (at: Milliseconds): string => goInstant(instant(at));

/** What the agent sent, when it is what it should be; `null` otherwise, so that nothing breaks the whole answer. */
function embedded(text: string, which: MeasuredText): string {
  try {
    const value: unknown = JSON.parse(text);
    const fits = which === 'processes' ? Array.isArray(value) : isObject(value);
    return fits ? escapedJson(text) : 'null';
  } catch {
    return 'null';
  }
}

const isObject = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
