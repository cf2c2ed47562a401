import { parseRfc3339 } from '../query/instant.js';
import { type Instant, instant } from '../time.js';

/** What Go calls the zero time. */
const UNKNOWN: Instant = '0001-01-01T00:00:00Z';
const DATE_AND_TIME = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?) ?(Z|[+-]\d\d:\d\d)?$/;

/**
 * A time as rportd and other writers of its files have it, in UTC and whole seconds: a blank or `T`, seconds, fraction
 * and zone may be missing; without zone it is UTC. The zero time for anything else. Spec 03 §14.
 */
export function foreignInstant(text: string): Instant {
  const [, date, time = '', zone = 'Z'] = DATE_AND_TIME.exec(text.trim()) ?? [];
  const at = parseRfc3339(`${date}T${time.length === 5 ? `${time}:00` : time}${zone}`);
  return at === undefined ? UNKNOWN : instant(Math.floor(at / 1000) * 1000).replace('.000Z', 'Z');
}
