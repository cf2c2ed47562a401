/** Stored measurements as tests want them. */

import { clientId } from '../../src/ids.js';
import type { Measurement } from '../../src/store/measurements.js';

export const ROWS_START = Date.parse('2021-09-01T00:00:00Z');
const MINUTE = 60_000;

export const measurement = (
  id: string,
  timestamp: number,
  changes: Partial<Measurement> = {},
): Measurement => ({
  clientId: clientId(id),
  timestamp,
  cpuUsagePercent: 12.5,
  memoryUsagePercent: 50.25,
  ioUsagePercent: 0,
  processes: '[{"name":"ünïx"}]',
  mountpoints: '{"free_b./":1}',
  netLan: { in: 1, out: 2 },
  netWan: null,
  ...changes,
});

/** One a minute from 2021-09-01 on, as spec 06 §12 describes them. */
export function minuteRows(count: number, id = 'c1', changes: Partial<Measurement> = {}): Measurement[] {
  return Array.from({ length: count }, (_, number) => {
    const value = number % 2 === 0 ? 10 : 20;
    return measurement(id, ROWS_START + number * MINUTE, {
      cpuUsagePercent: value,
      memoryUsagePercent: value,
      ioUsagePercent: value,
      netLan: { in: 10_000 + 10 * number, out: 50_000 + 10 * number },
      ...changes,
    });
  });
}
