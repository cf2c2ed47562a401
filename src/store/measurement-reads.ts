/** Reading measurements: by client and time, from either end, without decoding what is not asked for. */

import type { ClientId } from '../ids.js';
import type { Logger } from '../logging/logger.js';
import type { Milliseconds } from '../time.js';
import { isKeyText } from './key.js';
import { decodeInlineText, decodeNumbers, placeOfTexts } from './measurement-codec.js';
import type { MeasuredText, MeasurementRepository, RowsPart, TimeSpan } from './measurements.js';
import type { MeasurementKey, OpenedTables } from './tables.js';
import { decodeText } from './text-codec.js';

/** Keys counted or skipped in one go; measured at 0.1 µs each. */
const KEYS_PER_TURN = 10_000;
/** Longest time between the measurements whose texts share a row. */
export const LONGEST_SHARED: Milliseconds = 60_000;
/** Below the sequence number of every row. */
const NO_SEQUENCE = -1;

/** The place before the first row of a client at or after `at`. */
export const first = (id: string, at: Milliseconds): MeasurementKey => [id, at, NO_SEQUENCE];

export function measurementReads(
  tables: Pick<OpenedTables, 'measurements' | 'measurementTexts'>,
  log: Logger,
): Pick<MeasurementRepository, 'numbers' | 'texts' | 'range' | 'count'> {
  const { measurements: table, measurementTexts: textTable } = tables;

  const keyRange = (id: ClientId, { from, to }: TimeSpan, newestFirst = false) => {
    const [lower, upper] = [first(id, from), first(id, to)];
    // No row is at either place, so it does not matter which end LMDB takes for included.
    return newestFirst ? { start: upper, end: lower, reverse: true } : { start: lower, end: upper };
  };

  function* rows(id: ClientId, span: TimeSpan, { newestFirst, offset, limit }: RowsPart) {
    if (!isKeyText(id) || !(span.from < span.to)) return;
    table.resetReadTxn();
    yield* table.getRange({
      ...keyRange(id, span, newestFirst),
      ...(offset === undefined ? {} : { offset }),
      ...(limit === undefined ? {} : { limit }),
      snapshot: false,
    });
  }

  const unreadable = ([id, at]: MeasurementKey): void =>
    log.error(`measurement of ${JSON.stringify(id)} at ${at}: unreadable, skipped`);

  /** `undefined`: the row is damaged. */
  const textOf = (key: MeasurementKey, numbers: Buffer, which: MeasuredText): string | undefined => {
    switch (placeOfTexts(numbers)) {
      case 'nowhere':
        return '';
      case 'inline':
        return decodeInlineText(numbers, which);
      case 'unknown': {
        const row = textTable.get(key);
        return row === undefined ? '' : (decodeText(row, key, which) ?? undefined);
      }
      case 'shared':
        return sharedText(key, which);
    }
  };

  /** Nearly always in the first row at or behind `key`; a clock that was set back can bring others between. */
  const sharedText = (key: MeasurementKey, which: MeasuredText): string | undefined => {
    const end: MeasurementKey = [key[0], key[1] + LONGEST_SHARED, Number.MAX_SAFE_INTEGER];
    for (const { value } of textTable.getRange({ start: key, end, snapshot: false })) {
      const text = decodeText(value, key, which);
      if (text !== null) return text;
    }
    // Removed already, while the numbers are about to be.
    return '';
  };

  return {
    *numbers(id, span, part = {}) {
      for (const { key, value } of rows(id, span, part)) {
        const numbers = decodeNumbers(value);
        if (numbers === undefined) unreadable(key);
        else yield { timestamp: key[1], ...numbers };
      }
    },

    *texts(id, span, which, part = {}) {
      for (const { key, value } of rows(id, span, part)) {
        const text = textOf(key, value, which);
        if (text === undefined) unreadable(key);
        else yield { timestamp: key[1], text };
      }
    },

    *range(id, from, to) {
      const span = { from, to: to + 1 };
      for (const { key, value } of rows(id, span, {})) {
        const numbers = decodeNumbers(value);
        const processes = textOf(key, value, 'processes');
        const mountpoints = textOf(key, value, 'mountpoints');
        if (numbers === undefined || processes === undefined || mountpoints === undefined) unreadable(key);
        else yield { clientId: id, timestamp: key[1], ...numbers, processes, mountpoints };
      }
    },

    *count(id, span) {
      if (!isKeyText(id) || !(span.from < span.to)) return 0;
      const { end, ...range } = keyRange(id, span);
      let { start } = range;
      for (let counted = 0; ; counted += KEYS_PER_TURN) {
        table.resetReadTxn();
        const [next] = [...table.getKeys({ start, end, offset: KEYS_PER_TURN, limit: 1 })];
        if (next === undefined) return counted + table.getKeysCount({ start, end });
        start = next;
        yield;
      }
    },
  };
}
