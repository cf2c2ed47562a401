/** Permissions as the API writes them: an object with a boolean for each. Spec 02 §14.2. */

import { AppError } from '../../errors.js';
import { type Permission, permissions } from '../principal.js';

const sorted = [...permissions].sort();

/** All of them, always. */
export const permissionFlags = (granted: ReadonlySet<Permission>): Record<string, boolean> =>
  Object.fromEntries(sorted.map((permission) => [permission, granted.has(permission)]));

/** Throws `AppError` 400 for a name that is none. */
export function readPermissionFlags(
  given: Readonly<Record<string, boolean>>,
): Readonly<Partial<Record<Permission, boolean>>> {
  for (const name of Object.keys(given)) {
    if (!permissions.some((permission) => permission === name)) {
      throw new AppError('invalid_json', { detail: `invalid permission: ${name.slice(0, LONGEST_SHOWN)}` });
    }
  }
  return given;
}

/** Characters of a hostile name that the answer repeats. */
const LONGEST_SHOWN = 100;
