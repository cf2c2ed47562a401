/** The `updates_status` request. Spec 01 §8.3. */

import type { UpdateSummary, UpdatesStatus } from '../../../clients/record.js';
import { DecodeError, GoObject, parseObject } from './go-json.js';

/** Packages waiting on the most neglected machine, with room. */
const MOST_SUMMARIES = 10_000;
const ZERO_TIME = '0001-01-01T00:00:00Z';
const RFC3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;
/** Characters; with nine digits of fraction and an offset. */
const LONGEST_TIME = 35;

/** Throws `DecodeError`. */
export function decodeUpdatesStatus(payload: Buffer): UpdatesStatus {
  const status = parseObject(payload);
  return {
    refreshed: time(status, 'refreshed'),
    updatesAvailable: status.count('updates_available'),
    securityUpdatesAvailable: status.count('security_updates_available'),
    updateSummaries: status.list('update_summaries', MOST_SUMMARIES)?.map(decodeSummary) ?? null,
    rebootPending: status.flag('reboot_pending'),
    error: status.text('error'),
    hint: status.text('hint'),
  };
}

function decodeSummary(value: unknown): UpdateSummary {
  const summary = new GoObject(value);
  return {
    title: summary.text('title'),
    description: summary.text('description'),
    rebootRequired: summary.flag('reboot_required'),
    isSecurityUpdate: summary.flag('is_security_update'),
  };
}

function time(object: GoObject, name: string): string {
  if (object.raw(name) === undefined) return ZERO_TIME;
  const text = object.text(name);
  if (text.length > LONGEST_TIME || !RFC3339.test(text)) throw new DecodeError(`${name} is not a time`);
  return text;
}
