/** `filter[timestamp][…]` as a span of time. Spec 06 §3.1 and §3.4. */

import { AppError } from '../errors.js';
import { parseGoInteger } from '../go/integer.js';
import { parseRfc3339 } from '../query/instant.js';
import type { Filter } from '../query/types.js';
import type { TimeSpan } from '../store/measurements.js';
import type { Milliseconds } from '../time.js';

/** Bounds have the resolution of a second; a fraction is dropped. */
const SECOND: Milliseconds = 1_000;
const HOUR: Milliseconds = 3_600_000;
const SHORTEST_HOURS = 2;
const LONGEST_HOURS = 48;

/** For `ListSupport`. */
export const timeSorts = ['timestamp'];
/** For `ListSupport`: lower bounds belong to the span, upper ones do not, whatever they are called. */
export const timeFilters = ['timestamp[gt]', 'timestamp[lt]', 'timestamp[since]', 'timestamp[until]'];

/** All filters together; without any, everything there is. Throws `AppError` 400 for a value that is no time. */
export function readSpan(filters: readonly Filter[]): TimeSpan {
  let from = 0;
  let to = Number.MAX_SAFE_INTEGER;
  for (const filter of filters) {
    const bound = readBound(filter);
    if (isLower(filter)) from = Math.max(from, bound);
    else to = Math.min(to, bound);
  }
  return { from, to };
}

/** The span of a graph: two bounds of one kind, 2 to 48 hours apart. Throws `AppError` 400. */
export function readGraphSpan(filters: readonly Filter[]): TimeSpan {
  const bounds = filters.map((filter) => ({ filter, at: readBound(filter) }));
  const [first, second] = bounds.sort((a, b) => (a.filter.operator < b.filter.operator ? -1 : 1));
  if (first === undefined || second === undefined || bounds.length > 2) {
    throw refusal('Illegal number of filter options');
  }
  const pair = `${first.filter.operator} ${second.filter.operator}`;
  if (pair !== 'gt lt' && pair !== 'since until') {
    throw refusal(`Illegal filter pair ${label(first.filter)} ${label(second.filter)}`);
  }
  const span = second.at - first.at;
  if (span < 0) throw refusal('Illegal time value (upper before lower)');
  if (span < SHORTEST_HOURS * HOUR || span > LONGEST_HOURS * HOUR) {
    throw refusal(`Illegal period (min,max allowed: ${SHORTEST_HOURS},${LONGEST_HOURS} hours)`);
  }
  return { from: first.at, to: second.at };
}

const isLower = ({ operator }: Filter): boolean => operator === 'gt' || operator === 'since';

const label = ({ operator }: Filter): string => `filter[timestamp][${operator}]`;

function readBound({ operator, values }: Filter): Milliseconds {
  const [text = ''] = values;
  if (operator === 'gt' || operator === 'lt') {
    const seconds = parseGoInteger(text);
    // More than one value would mean "one of these", which no bound can be.
    if (!seconds.ok || values.length > 1) throw refusal(`Illegal timestamp value ${values.join(',')}`);
    return seconds.value * SECOND;
  }
  const at = parseRfc3339(text);
  if (at === undefined || values.length > 1) throw refusal('Illegal time value');
  return Math.floor(at / SECOND) * SECOND;
}

const refusal = (title: string): AppError => new AppError('bad_request', { title });
