import { systemClock } from '../time.js';
import { createLogger } from './create-logger.js';
import type { Logger } from './logger.js';

/** For what goes wrong while no log is open: problems only, to standard error. */
export const stderrLogger = (): Logger =>
  createLogger({
    level: 'error',
    sink: (line) => process.stderr.write(`${line}\n`),
    clock: systemClock,
  });
