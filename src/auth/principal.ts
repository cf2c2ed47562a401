/** Who is calling the API. */

import type { Group, Restriction } from './groups/group.js';

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
  /** Functions the caller may use. All of them for administrators, and where groups carry no permissions. */
  readonly permissions: ReadonlySet<Permission>;
  /**
   * A request must satisfy at least one of these; `null` when the caller is not restricted, which administrators
   * never are. Spec 02 §15.3 item 1.
   */
  readonly tunnelRestrictions: readonly Restriction[] | null;
  readonly commandRestrictions: readonly Restriction[] | null;
  /**
   * Of commands that a schedule runs: those of commands, or where the caller may not run any himself those of the groups
   * that let him make schedules.
   */
  readonly scheduleRestrictions: readonly Restriction[] | null;
}

const everything: ReadonlySet<Permission> = new Set(permissions);

/**
 * The caller behind a user. `details` are the known rows of his groups; `null` where groups carry no permissions,
 * so that everybody has all of them. Permissions add up over groups. Spec 02 §14.4 and §15.3.
 */
export function makePrincipal(
  username: string,
  groups: readonly string[],
  details: readonly Group[] | null,
): Principal {
  const admin = groups.includes(ADMINISTRATORS);
  if (admin || details === null) {
    return {
      username,
      groups,
      admin,
      permissions: everything,
      tunnelRestrictions: null,
      commandRestrictions: null,
      scheduleRestrictions: null,
    };
  }
  const granted = (permission: Permission): readonly Group[] =>
    details.filter((group) => group.permissions.has(permission));
  const commands = granted('commands');
  return {
    username,
    groups,
    admin,
    permissions: new Set(permissions.filter((permission) => granted(permission).length > 0)),
    tunnelRestrictions: combined(granted('tunnels').map((group) => group.tunnelsRestricted)),
    commandRestrictions: combined(commands.map((group) => group.commandsRestricted)),
    scheduleRestrictions: combined(
      (commands.length > 0 ? commands : granted('scheduler')).map((group) => group.commandsRestricted),
    ),
  };
}

/** The wider permission wins: one group without a restriction lifts those of the others. */
function combined(restrictions: readonly (Restriction | null)[]): readonly Restriction[] | null {
  const limits = restrictions.filter((one) => one !== null && Object.keys(one).length > 0) as Restriction[];
  return limits.length < restrictions.length ? null : limits;
}
