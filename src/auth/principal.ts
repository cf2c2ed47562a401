/** Who is calling the API. */

export const ADMINISTRATORS = 'Administrators';

/** The eight functions a group may be allowed. Spec 02 §14.1. */
export const permissions = [
  'tunnels',
  'scripts',
  'commands',
  'vault',
  'scheduler',
  'monitoring',
  'uploads',
  'auditlog',
] as const;
export type Permission = (typeof permissions)[number];

export interface Principal {
  readonly username: string;
  readonly groups: readonly string[];
  /** Member of `Administrators`. */
  readonly admin: boolean;
}
