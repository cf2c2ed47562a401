/**
 * A measurement as bytes, in two rows of the same key: its numbers, and its texts, which are many times larger. A
 * graph reads the numbers of thousands of rows and no text at all.
 *
 * Numbers: a version byte, a byte of flags, 64-bit floats (cpu, memory, io, then in and out of each network there
 * is). Texts: a version byte, the length of `processes` in bytes, `processes`, `mountpoints`; no row when both are
 * empty. Own layout because these are the tables with by far the most rows, and so that a damaged row can be told
 * from a good one.
 *
 * Version 1, of the first stores, had all seven floats and the texts in the one row. It is read, not written.
 */

import type { MeasuredNumbers, MeasuredText, Measurement } from './types.js';

const VERSION = 2;
const VERSION_WITH_TEXTS = 1;
const TEXTS_VERSION = 1;
const HAS_LAN = 1;
const HAS_WAN = 2;
/** Offset of the first float, of those of the first network, and the bytes of one network. */
const FLOATS = 2;
const NETWORKS = FLOATS + 3 * 8;
const NETWORK_BYTES = 2 * 8;
/** Version 1: offsets of the length of `processes`, and of the texts. */
const INLINE_LENGTH = FLOATS + 7 * 8;
const INLINE_TEXTS = INLINE_LENGTH + 4;
/** Texts: offsets of the length of `processes`, and of what follows. */
const TEXTS_LENGTH = 1;
const TEXTS = TEXTS_LENGTH + 4;

type Numbers = Omit<MeasuredNumbers, 'timestamp'>;
type Texts = Pick<Measurement, 'processes' | 'mountpoints'>;

/** Gives memory for one row. */
export type AllocateRow = (bytes: number) => Buffer;

export function encodeNumbers(measured: Numbers, allocate: AllocateRow): Buffer {
  const { netLan, netWan } = measured;
  const networks = (netLan === null ? 0 : 1) + (netWan === null ? 0 : 1);
  const row = allocate(NETWORKS + networks * NETWORK_BYTES);
  row[0] = VERSION;
  row[1] = (netLan === null ? 0 : HAS_LAN) | (netWan === null ? 0 : HAS_WAN);
  row.writeDoubleLE(measured.cpuUsagePercent, FLOATS);
  row.writeDoubleLE(measured.memoryUsagePercent, FLOATS + 8);
  row.writeDoubleLE(measured.ioUsagePercent, FLOATS + 16);
  let offset = NETWORKS;
  for (const network of [netLan, netWan]) {
    if (network === null) continue;
    offset = row.writeDoubleLE(network.in, offset);
    offset = row.writeDoubleLE(network.out, offset);
  }
  return row;
}

/** `null` when there is nothing to keep. */
export function encodeTexts({ processes, mountpoints }: Texts, allocate: AllocateRow): Buffer | null {
  if (processes === '' && mountpoints === '') return null;
  const processesBytes = Buffer.byteLength(processes);
  const row = allocate(TEXTS + processesBytes + Buffer.byteLength(mountpoints));
  row[0] = TEXTS_VERSION;
  row.writeUInt32LE(processesBytes, TEXTS_LENGTH);
  row.write(processes, TEXTS);
  row.write(mountpoints, TEXTS + processesBytes);
  return row;
}

/** `undefined` for a row that is damaged or of an unknown version. */
export function decodeNumbers(row: Buffer): Numbers | undefined {
  const flags = row[1] ?? 0;
  const inline = row[0] === VERSION_WITH_TEXTS;
  if (!inline && row[0] !== VERSION) return undefined;
  const lan = NETWORKS;
  const wan = inline || flags & HAS_LAN ? lan + NETWORK_BYTES : lan;
  const end = inline ? INLINE_TEXTS : flags & HAS_WAN ? wan + NETWORK_BYTES : wan;
  if (row.length < end) return undefined;
  const network = (at: number) => ({ in: row.readDoubleLE(at), out: row.readDoubleLE(at + 8) });
  return {
    cpuUsagePercent: row.readDoubleLE(FLOATS),
    memoryUsagePercent: row.readDoubleLE(FLOATS + 8),
    ioUsagePercent: row.readDoubleLE(FLOATS + 16),
    netLan: flags & HAS_LAN ? network(lan) : null,
    netWan: flags & HAS_WAN ? network(wan) : null,
  };
}

/** Whether the texts are in the row of the numbers. */
export const hasInlineTexts = (numbersRow: Buffer): boolean => numbersRow[0] === VERSION_WITH_TEXTS;

/** One text of a row of texts. `undefined` for a row that is damaged or of an unknown version. */
export const decodeText = (row: Buffer, which: MeasuredText): string | undefined =>
  row[0] === TEXTS_VERSION ? textAt(row, TEXTS_LENGTH, which) : undefined;

/** One text of a row of numbers that has them. `undefined` for a damaged one. */
export const decodeInlineText = (numbersRow: Buffer, which: MeasuredText): string | undefined =>
  textAt(numbersRow, INLINE_LENGTH, which);

function textAt(row: Buffer, lengthAt: number, which: MeasuredText): string | undefined {
  const start = lengthAt + 4;
  if (row.length < start) return undefined;
  const processesEnd = start + row.readUInt32LE(lengthAt);
  if (processesEnd > row.length) return undefined;
  return which === 'processes'
    ? row.toString('utf8', start, processesEnd)
    : row.toString('utf8', processesEnd);
}
