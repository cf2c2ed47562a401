/** User groups where they carry permissions. Spec 02 §14 and §15. */

import type { Permission } from '../principal.js';

/**
 * The value of `tunnels_restricted` or `commands_restricted`: plain JSON, keys in lower case, checked by
 * `checkRestriction` before it is stored. Read it with the functions of `restrictions/`.
 */
export type Restriction = Readonly<Record<string, unknown>>;

export interface Group {
  readonly name: string;
  readonly permissions: ReadonlySet<Permission>;
  /** `null` = no restriction. */
  readonly tunnelsRestricted: Restriction | null;
  readonly commandsRestricted: Restriction | null;
}
