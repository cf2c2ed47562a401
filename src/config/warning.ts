import type { LogLevel } from '../logging/logger.js';

/** Something worth a log line at start; written with the prefix `server-init` once the log is open. */
export interface ConfigWarning {
  readonly level: LogLevel;
  readonly message: string;
}

const order: readonly LogLevel[] = ['debug', 'info', 'error'];

/** In the order they are logged: debug, info, error; stable within a level. Spec 07 §1.4. */
export const inLogOrder = (warnings: readonly ConfigWarning[]): readonly ConfigWarning[] =>
  order.flatMap((level) => warnings.filter((warning) => warning.level === level));
