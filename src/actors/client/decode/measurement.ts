/** The `save_measurement` request. Spec 01 §8.4. */

import type { ClientId } from '../../../ids.js';
import type { NewMeasurement } from '../../../store/measurements.js';
import type { Milliseconds } from '../../../time.js';
import { type GoObject, parseObject } from './go-json.js';
import { scanMeasurement } from './scan-measurement.js';

/**
 * Who measured and when is what this server knows, whatever the agent says.
 * @param longest bytes of the whole request, so also of each text in it
 * Throws `DecodeError`.
 */
export function decodeMeasurement(
  payload: Buffer,
  clientId: ClientId,
  timestamp: Milliseconds,
  longest: number,
): NewMeasurement {
  const scanned = scanMeasurement(payload, clientId, timestamp);
  if (scanned !== null) return scanned;
  const sent = parseObject(payload);
  return {
    clientId,
    timestamp,
    cpuUsagePercent: sent.number('cpu_usage_percent'),
    memoryUsagePercent: sent.number('memory_usage_percent'),
    ioUsagePercent: sent.number('io_usage_percent'),
    processes: sent.text('processes', longest),
    mountpoints: sent.text('mountpoints', longest),
    netLan: traffic(sent.object('net_lan')),
    netWan: traffic(sent.object('net_wan')),
  };
}

const traffic = (sent: GoObject | null): NewMeasurement['netLan'] =>
  sent === null ? null : { in: sent.count('in'), out: sent.count('out') };
