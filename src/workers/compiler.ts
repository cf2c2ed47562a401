/** When V8 optimises what it runs. */

import { setFlagsFromString } from 'node:v8';

/**
 * Bytes of bytecode a function runs before V8 looks at it for its optimising compiler; V8's own value is a third of
 * it. A fleet brings bursts, such as a command for everybody or all agents after a restart, and every thread compiles
 * for itself: with V8's value a third of the CPU of such a burst goes into optimising code that has just begun to run.
 * Measured with 500 and 2000 agents: a command 0.12 → 0.11 s with 0.19 → 0.15 s of CPU, a connect 2.4 → 2.0 ms of
 * CPU. Three times that delay costs steady loads more than it saves.
 */
const INTERRUPT_BUDGET = 200_000;

/** For all threads of the process, also those that run. */
export function optimizeLater(): void {
  setFlagsFromString(`--interrupt-budget=${INTERRUPT_BUDGET}`);
}
