/**
 * A measurement as bytes: one version byte, one byte of flags, seven 64-bit floats, the length of `processes` in
 * UTF-8 bytes, then `processes` and `mountpoints`. Own layout because this is the table with by far the most
 * rows, and so that a damaged row can be told from a good one.
 */

import type { ClientId } from '../ids.js';
import type { Milliseconds } from '../time.js';
import type { Measurement } from './types.js';

const VERSION = 1;
const HAS_LAN = 1;
const HAS_WAN = 2;
/** Offset of the first float: cpu, memory, io, lan in, lan out, wan in, wan out. */
const FLOATS = 2;
const PROCESSES_LENGTH = FLOATS + 7 * 8;
const TEXTS = PROCESSES_LENGTH + 4;

export function encodeMeasurement(measurement: Measurement): Buffer {
  const { netLan, netWan, processes, mountpoints } = measurement;
  const processesBytes = Buffer.byteLength(processes);
  const row = Buffer.allocUnsafe(TEXTS + processesBytes + Buffer.byteLength(mountpoints));
  row[0] = VERSION;
  row[1] = (netLan === null ? 0 : HAS_LAN) | (netWan === null ? 0 : HAS_WAN);
  const floats = [
    measurement.cpuUsagePercent,
    measurement.memoryUsagePercent,
    measurement.ioUsagePercent,
    netLan?.in ?? 0,
    netLan?.out ?? 0,
    netWan?.in ?? 0,
    netWan?.out ?? 0,
  ];
  let offset = FLOATS;
  for (const float of floats) offset = row.writeDoubleLE(float, offset);
  offset = row.writeUInt32LE(processesBytes, offset);
  offset += row.write(processes, offset);
  row.write(mountpoints, offset);
  return row;
}

/** `undefined` for a row that is damaged or of an unknown version. */
export function decodeMeasurement(
  clientId: ClientId,
  timestamp: Milliseconds,
  row: Buffer,
): Measurement | undefined {
  if (row.length < TEXTS || row[0] !== VERSION) return undefined;
  const processesEnd = TEXTS + row.readUInt32LE(PROCESSES_LENGTH);
  if (processesEnd > row.length) return undefined;
  const flags = row[1] ?? 0;
  const float = (index: number): number => row.readDoubleLE(FLOATS + 8 * index);
  return {
    clientId,
    timestamp,
    cpuUsagePercent: float(0),
    memoryUsagePercent: float(1),
    ioUsagePercent: float(2),
    processes: row.toString('utf8', TEXTS, processesEnd),
    mountpoints: row.toString('utf8', processesEnd),
    netLan: flags & HAS_LAN ? { in: float(3), out: float(4) } : null,
    netWan: flags & HAS_WAN ? { in: float(5), out: float(6) } : null,
  };
}
