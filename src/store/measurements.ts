/** Measurements of clients. Spec 01 §8.4. */

import type { ClientId } from '../ids.js';
import type { Milliseconds } from '../time.js';

/** The numbers of one measurement. Spec 01 §8.4. */
export interface MeasuredNumbers {
  /** Of this server. */
  readonly timestamp: Milliseconds;
  readonly cpuUsagePercent: number;
  readonly memoryUsagePercent: number;
  readonly ioUsagePercent: number;
  /** Bytes per second; `null` where the agent has no such card. */
  readonly netLan: { readonly in: number; readonly out: number } | null;
  readonly netWan: { readonly in: number; readonly out: number } | null;
}

/** One measurement as the agent sent it, with server time. */
export interface Measurement extends MeasuredNumbers {
  readonly clientId: ClientId;
  /** JSON text of an array, or empty. As the agent says: it may be anything. */
  readonly processes: string;
  /** JSON text of an object, or empty. As the agent says: it may be anything. */
  readonly mountpoints: string;
}

/**
 * The inside of a JSON string, UTF-8, as it was received. It need not be well-formed; then it stands for itself.
 */
export type EscapedText = Buffer;

/** A measurement to be stored; the store copies what it needs. */
export interface NewMeasurement extends Omit<Measurement, 'processes' | 'mountpoints'> {
  readonly processes: string | EscapedText;
  readonly mountpoints: string | EscapedText;
}

export type MeasuredText = 'processes' | 'mountpoints';

/** Half-open: `from` belongs to it, `to` does not. */
export interface TimeSpan {
  readonly from: Milliseconds;
  readonly to: Milliseconds;
}

/** Which rows of a span, by their places in the direction. Default: all, oldest first. */
export interface RowsPart {
  readonly newestFirst?: boolean;
  readonly offset?: number;
  readonly limit?: number;
}

/** Reads see what every thread has committed. */
export interface MeasurementRepository {
  /** Queues the row for the next batch; may be lost up to one second before a crash. */
  append(measurement: NewMeasurement): void;
  /** Touches no texts. Read while iterated, so others may have their turn in between. */
  numbers(id: ClientId, span: TimeSpan, part?: RowsPart): Iterable<MeasuredNumbers>;
  /** One of the texts of each measurement, read while iterated. */
  texts(
    id: ClientId,
    span: TimeSpan,
    which: MeasuredText,
    part?: RowsPart,
  ): Iterable<{ readonly timestamp: Milliseconds; readonly text: string }>;
  /** Everything of each, oldest first; both ends included. */
  range(id: ClientId, from: Milliseconds, to: Milliseconds): Iterable<Measurement>;
  /** Counts keys, in pieces of about a millisecond. */
  count(id: ClientId, span: TimeSpan): Generator<void, number>;
  removeBefore(cutoff: Milliseconds): Promise<number>;
  removeClient(id: ClientId): Promise<void>;
}
