/** Messages of the `user-file` actor: one, on main, the only writer of the API users file. */

import type { PasswordChange } from '../../auth/users/change-users-file.js';
import type { ActorRef } from '../runtime/types.js';

export const userFileRef: ActorRef = { kind: 'user-file', id: 'main' };

/** Reply: nothing, when the change is on disk. */
export type UserFileMessage = { readonly type: 'set_password'; readonly change: PasswordChange };
