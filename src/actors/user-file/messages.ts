/** Messages of the `user-file` actor: one, on main, the only writer of the API users file. */

import type { PasswordChange } from '../../auth/users/change-users-file.js';
import type { ActorRef } from '../runtime/types.js';

export const userFileRef: ActorRef = { kind: 'user-file', id: 'main' };

export type UserFileMessage =
  /** Reply: nothing, when the change is on disk. */
  | { readonly type: 'set_password'; readonly change: PasswordChange }
  /** Told by main: the configuration names another file now. */
  | { readonly type: 'use'; readonly path: string };
