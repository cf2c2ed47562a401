/**
 * The texts of measurements as bytes. Those of one client that are written together share a row, with the key of the
 * last of them: one that sends fast, or a whole fleet that does, costs a fraction of the pages and look-ups that rows
 * of their own would.
 *
 * A version byte, then for each measurement that has any text, in the order of the keys: timestamp (64-bit float),
 * sequence number (32 bit), length of `processes` and of `mountpoints` in bytes (32 bit each), a byte that says which
 * of them are escaped, `processes`, `mountpoints`.
 *
 * Version 1 had one measurement: the length of `processes`, `processes`, `mountpoints`. It is read, not written.
 */

import type { MeasuredText, NewMeasurement } from './measurements.js';
import type { MeasurementKey } from './tables.js';

const VERSION = 2;
const VERSION_OF_ONE = 1;
/** Offset of the first entry. */
const ENTRIES = 1;
/** Offsets inside an entry, and of its texts. */
const SEQUENCE = 8;
const PROCESSES_LENGTH = 12;
const MOUNTPOINTS_LENGTH = 16;
const ESCAPED = 20;
const TEXTS = 21;
/** Which text is escaped. */
const escapedFlags = { processes: 1, mountpoints: 2 } as const satisfies Record<MeasuredText, number>;

/** Bytes of a row before the first measurement. */
export const TEXTS_HEAD = ENTRIES;

/** Begins a row; returns where its first measurement goes. */
export function startTexts(row: Buffer): number {
  row[0] = VERSION;
  return ENTRIES;
}

/** Bytes the texts of a measurement take in a row; 0 when it has none. */
export function textBytes({ processes, mountpoints }: Pick<NewMeasurement, MeasuredText>): number {
  if (processes.length === 0 && mountpoints.length === 0) return 0;
  return TEXTS + bytesOf(processes) + bytesOf(mountpoints);
}

/** Writes the texts of a measurement to `at`. */
export function encodeText(
  { timestamp, processes, mountpoints }: NewMeasurement,
  sequence: number,
  memory: Buffer,
  at: number,
): void {
  const processesBytes = bytesOf(processes);
  memory.writeDoubleLE(timestamp, at);
  memory.writeUInt32LE(sequence, at + SEQUENCE);
  memory.writeUInt32LE(processesBytes, at + PROCESSES_LENGTH);
  memory.writeUInt32LE(bytesOf(mountpoints), at + MOUNTPOINTS_LENGTH);
  memory[at + ESCAPED] =
    (typeof processes === 'string' ? 0 : escapedFlags.processes) |
    (typeof mountpoints === 'string' ? 0 : escapedFlags.mountpoints);
  put(memory, processes, at + TEXTS);
  put(memory, mountpoints, at + TEXTS + processesBytes);
}

const bytesOf = (text: string | Buffer): number =>
  typeof text === 'string' ? Buffer.byteLength(text) : text.length;

function put(memory: Buffer, text: string | Buffer, at: number): void {
  if (typeof text === 'string') memory.write(text, at);
  else memory.set(text, at);
}

/** One text of a measurement out of a row; `null` when it is not in there, `undefined` for a damaged row. */
export function decodeText(
  row: Buffer,
  [, timestamp, sequence]: MeasurementKey,
  which: MeasuredText,
): string | null | undefined {
  if (row[0] === VERSION_OF_ONE) return lengthPrefixedText(row, ENTRIES, which);
  if (row[0] !== VERSION) return undefined;
  for (let at = ENTRIES; at < row.length; ) {
    if (at + TEXTS > row.length) return undefined;
    const start = at + TEXTS;
    const processesEnd = start + row.readUInt32LE(at + PROCESSES_LENGTH);
    const end = processesEnd + row.readUInt32LE(at + MOUNTPOINTS_LENGTH);
    if (end > row.length) return undefined;
    if (row.readDoubleLE(at) === timestamp && row.readUInt32LE(at + SEQUENCE) === sequence) {
      const text =
        which === 'processes'
          ? row.toString('utf8', start, processesEnd)
          : row.toString('utf8', processesEnd, end);
      return (row[at + ESCAPED] ?? 0) & escapedFlags[which] ? withoutEscapes(text) : text;
    }
    at = end;
  }
  return null;
}

/** `processes` with its length in front at `at`, `mountpoints` behind it. `undefined` for a damaged row. */
export function lengthPrefixedText(row: Buffer, at: number, which: MeasuredText): string | undefined {
  const start = at + 4;
  if (row.length < start) return undefined;
  const processesEnd = start + row.readUInt32LE(at);
  if (processesEnd > row.length) return undefined;
  return which === 'processes'
    ? row.toString('utf8', start, processesEnd)
    : row.toString('utf8', processesEnd);
}

function withoutEscapes(inner: string): string {
  try {
    return (JSON.parse(`"${inner}"`) as string).toWellFormed();
  } catch {
    return inner;
  }
}
