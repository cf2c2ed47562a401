import type { Config } from './types.js';

export interface LiveConfig {
  readonly config: Config;
  /** Replaces the values, at once and for everybody who kept the object. */
  replace(next: Config): void;
}

/**
 * The configuration a thread goes by: one object for its whole life, whose values a reload replaces. Whoever keeps
 * it, or a section of it, and reads a value when it is needed sees the present one.
 */
export function liveConfig(initial: Config): LiveConfig {
  const config = structuredClone(initial);
  return {
    config,
    replace(next) {
      for (const section of Object.keys(config) as (keyof Config)[]) {
        Object.assign(config[section], structuredClone(next[section]));
      }
    },
  };
}
