/** Single calls at a fixed pace, each on its own: an open loop, which a stall cannot hide from. */

import { quantile } from '../report/statistics.js';
import { type HttpLoad, type HttpLoadResult, runHttpLoad } from './http-load.js';

/** Enough for a p99, too few to be a load themselves. */
const PER_SECOND = 50;

/** @param until seconds, or what ends the calls */
export async function steadyCalls(
  load: Omit<HttpLoad, 'callers' | 'requests' | 'signal'>,
  until: number | AbortSignal,
): Promise<HttpLoadResult> {
  const all: Promise<HttpLoadResult>[] = [];
  const begun = performance.now();
  const isOver = (): boolean =>
    typeof until === 'number' ? all.length >= until * PER_SECOND : until.aborted && all.length > 0;
  while (!isOver()) {
    const wait = begun + (all.length * 1_000) / PER_SECOND - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    all.push(runHttpLoad({ ...load, callers: 1, requests: 1 }));
  }
  const results = await Promise.all(all);
  const latencies = results.map(({ p50Ms }) => p50Ms);
  return {
    requestsPerSecond: PER_SECOND,
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
    failed: results.reduce((sum, { failed }) => sum + failed, 0),
    bytesPerAnswer: results[0]?.bytesPerAnswer ?? 0,
  };
}
