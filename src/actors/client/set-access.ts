/** Which user groups may access a connected client. The registrar asks; see `registrar/access.ts`. */

import { AppError } from '../../errors.js';
import { refuse } from '../ask.js';
import type { Sender } from '../runtime/types.js';
import { changeRecord } from './save-record.js';
import type { ClientContext, ClientState } from './state.js';

/** Replies when the change is on disk and all threads go by it. */
export function setAccess(
  ctx: ClientContext,
  state: ClientState,
  allowedUserGroups: readonly string[],
  sender: Sender,
): void {
  changeRecord(ctx, state, { allowedUserGroups }, (error) => {
    if (error === null) sender.reply(null);
    else refuse(sender, new AppError('internal', { cause: error }));
  });
}
