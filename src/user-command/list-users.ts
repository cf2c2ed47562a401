/** The table of `tideway user list`. Secrets are not in it. */

import type { User } from '../auth/users/provider.js';
import { oneLine } from '../logging/one-line.js';

const HEADINGS = ['USERNAME', 'GROUPS', 'EXPIRED', '2FA RECEIVER'] as const;
const GAP = '  ';

/** One line each, without a line break at the end. Names of strangers cannot disturb the terminal. */
export function userTable(users: readonly User[]): string {
  const rows = users.map((user) =>
    [
      user.username,
      (user.groups ?? []).join(', '),
      user.passwordExpired ? 'yes' : 'no',
      user.twoFaSendTo,
    ].map(oneLine),
  );
  const table = [HEADINGS, ...rows];
  const widths = HEADINGS.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  return table
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join(GAP)
        .trimEnd(),
    )
    .join('\n');
}
