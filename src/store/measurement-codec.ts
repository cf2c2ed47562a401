/**
 * The numbers of a measurement as bytes. Its texts, which are many times larger, are elsewhere (text-codec): a graph
 * reads the numbers of thousands of rows and no text at all.
 *
 * A version byte, a byte of flags, 64-bit floats (cpu, memory, io, then in and out of each network there is). Own
 * layout because this is the table with by far the most rows, and so that a damaged row can be told from a good one.
 *
 * Version 1, of the first stores, had all seven floats and the texts in the one row; version 2 did not say whether
 * there are texts. They are read, not written.
 */

import type { MeasuredNumbers, MeasuredText } from './measurements.js';
import { lengthPrefixedText } from './text-codec.js';

const VERSION = 3;
const VERSION_WITHOUT_TEXT_FLAG = 2;
const VERSION_WITH_TEXTS = 1;
const HAS_LAN = 1;
const HAS_WAN = 2;
const HAS_TEXTS = 4;
/** Offset of the first float, of those of the first network, and the bytes of one network. */
const FLOATS = 2;
const NETWORKS = FLOATS + 3 * 8;
const NETWORK_BYTES = 2 * 8;
/** Version 1: offsets of the length of `processes`, and of the texts. */
const INLINE_LENGTH = FLOATS + 7 * 8;
const INLINE_TEXTS = INLINE_LENGTH + 4;
type Numbers = Omit<MeasuredNumbers, 'timestamp'>;

/** Bytes of the row. */
export function numbersBytes({ netLan, netWan }: Numbers): number {
  return NETWORKS + ((netLan === null ? 0 : 1) + (netWan === null ? 0 : 1)) * NETWORK_BYTES;
}

/** Writes the row to `at`. */
export function encodeNumbers(measured: Numbers, hasTexts: boolean, memory: Buffer, at: number): void {
  const { netLan, netWan } = measured;
  memory[at] = VERSION;
  memory[at + 1] =
    (netLan === null ? 0 : HAS_LAN) | (netWan === null ? 0 : HAS_WAN) | (hasTexts ? HAS_TEXTS : 0);
  memory.writeDoubleLE(measured.cpuUsagePercent, at + FLOATS);
  memory.writeDoubleLE(measured.memoryUsagePercent, at + FLOATS + 8);
  memory.writeDoubleLE(measured.ioUsagePercent, at + FLOATS + 16);
  let offset = at + NETWORKS;
  if (netLan !== null) {
    offset = memory.writeDoubleLE(netLan.in, offset);
    offset = memory.writeDoubleLE(netLan.out, offset);
  }
  if (netWan !== null) {
    offset = memory.writeDoubleLE(netWan.in, offset);
    memory.writeDoubleLE(netWan.out, offset);
  }
}

/** `undefined` for a row that is damaged or of an unknown version. */
export function decodeNumbers(row: Buffer): Numbers | undefined {
  const flags = row[1] ?? 0;
  const inline = row[0] === VERSION_WITH_TEXTS;
  if (!inline && row[0] !== VERSION && row[0] !== VERSION_WITHOUT_TEXT_FLAG) return undefined;
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

/** Where the texts that belong to a row of numbers are; `unknown`: in a row of the same key, if there are any. */
export function placeOfTexts(numbersRow: Buffer): 'nowhere' | 'inline' | 'shared' | 'unknown' {
  if (numbersRow[0] === VERSION_WITH_TEXTS) return 'inline';
  if (numbersRow[0] !== VERSION) return 'unknown';
  return (numbersRow[1] ?? 0) & HAS_TEXTS ? 'shared' : 'nowhere';
}

/** One text of a row of numbers that has them. `undefined` for a damaged one. */
export const decodeInlineText = (numbersRow: Buffer, which: MeasuredText): string | undefined =>
  lengthPrefixedText(numbersRow, INLINE_LENGTH, which);
