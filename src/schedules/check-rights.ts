/** Whether a user may have a schedule run what it runs; when it is made, and again at every run. Spec 04 §15.5, §20. */

import type { Principal } from '../auth/principal.js';
import { checkCommand } from '../auth/restrictions/check-command.js';
import { AppError } from '../errors.js';
import type { ScheduleInput } from './schedule.js';

/**
 * Throws `AppError` 400 that says what forbids it. Scripts are not restricted by themselves, but they must not be the
 * way round a restriction for somebody who may not run any.
 */
export function checkRights(
  user: Principal,
  { type, command, isSudo }: Pick<ScheduleInput, 'type' | 'command' | 'isSudo'>,
): void {
  const restrictions = user.scheduleRestrictions;
  if (type === 'command') checkCommand(restrictions, { command, isSudo });
  else if (restrictions !== null && !user.permissions.has('scripts')) {
    throw new AppError('bad_request', { title: 'Scripts are forbidden' });
  }
}
