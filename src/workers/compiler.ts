/** When V8 compiles what it runs. */

import { setFlagsFromString } from 'node:v8';

/**
 * How much a function runs before V8 looks at it for its optimising compiler: three times as much as V8 wants by
 * itself, in the terms of each version (bytes of bytecode, or calls); nothing is set in others. A fleet brings bursts,
 * such as a command for everybody or all agents after a restart, and every thread compiles for itself: with V8's
 * values a third of the CPU of such a burst goes into optimising code that has just begun to run. Ten times as much
 * costs steady loads more than it saves.
 */
const optimizeLater = new Map([
  ['11', '--interrupt-budget=200000'],
  ['12', '--invocation-count-for-turbofan=9000'],
]);

/** Plain machine code from the first call on: what runs now and then, as most requests do, is never interpreted. */
const COMPILE_AT_ONCE = '--always-sparkplug';

/**
 * For all threads of the process that begin after it. Measured together, with 500 and 2000 agents: a command
 * 0.12 → 0.10 s with 0.19 → 0.14 s of CPU, a connect 2.4 → 2.0 ms, a measurement with 50 requests a second beside it
 * 34 → 29 µs, 14 MiB more memory.
 */
export function tuneCompiler(): void {
  const [major = ''] = process.versions.v8.split('.');
  const later = optimizeLater.get(major);
  if (later === undefined) return;
  setFlagsFromString(later);
  setFlagsFromString(COMPILE_AT_ONCE);
}
