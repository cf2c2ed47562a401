/** What the audit log tells of `tideway user`. */

import { userInfo } from 'node:os';
import type { AuditDraft } from '../audit/audit-log.js';
import type { UserCommand } from './parse.js';
import type { UserAction } from './usage.js';

/** As the API calls the same changes. */
const kinds: Readonly<Record<Exclude<UserAction, 'list'>, Pick<AuditDraft, 'application' | 'action'>>> = {
  add: { application: 'auth.user', action: 'create' },
  change: { application: 'auth.user', action: 'update' },
  delete: { application: 'user', action: 'delete' },
};

/** No user of the API is behind it: it says whose account of the machine it was. `passwordGiven`: not which. */
export function auditEntry(
  action: keyof typeof kinds,
  { username, groups, twoFaSendTo }: Pick<UserCommand, 'username' | 'groups' | 'twoFaSendTo'>,
  passwordGiven: boolean,
): AuditDraft {
  return {
    ...kinds[action],
    affectedId: username,
    request: {
      command: `tideway user ${action}`,
      system_user: systemUser(),
      ...(groups !== null && { groups }),
      ...(twoFaSendTo !== null && { two_fa_send_to: twoFaSendTo }),
      ...(passwordGiven && { password: true }),
    },
  };
}

/** A container may run it as a number without a name. */
function systemUser(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? '');
  }
}
