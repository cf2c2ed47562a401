/** Why the server does not start. */

/** `message` is the complete text for the operator (without time stamp); the process exits with status 1. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** A refusal of the configuration's content, in the reference's wrapping. Spec 07 §1.1. */
export const invalidConfig = (reason: string): ConfigError =>
  new ConfigError(`Invalid config: ${reason}. See --help`);

/** Text of anything thrown. */
export const reasonOf = (thrown: unknown): string =>
  thrown instanceof Error ? thrown.message : String(thrown);
