/** Changes of the API users file, one after the other in the whole process. Spec 02 §18.2. */

import { changePassword, type PasswordChange } from '../../auth/users/change-users-file.js';
import { AppError } from '../../errors.js';
import type { Milliseconds } from '../../time.js';
import { askActor, refuse } from '../ask.js';
import type { ActorRef, ActorSystem, Behavior } from '../runtime/types.js';
import { type UserFileMessage, userFileRef } from './messages.js';

/** Changes are rare; more than this at once is a mistake or an attack. */
const WAITING_LIMIT = 100;
const TIMEOUT: Milliseconds = 15_000;

export interface UserFileArgs {
  readonly path: string;
}

interface State {
  path: string;
  last: Promise<void>;
  waiting: number;
}

export const userFileBehavior: Behavior<UserFileMessage, State, UserFileArgs> = {
  kind: userFileRef.kind,
  preStart: (_ctx, { path }) => ({ path, last: Promise.resolve(), waiting: 0 }),
  receive(_ctx, state, message, sender) {
    if (message.type === 'use') {
      state.path = message.path;
      return;
    }
    if (state.waiting >= WAITING_LIMIT) return refuse(sender, new AppError('overloaded'));
    state.waiting += 1;
    const { path } = state;
    state.last = state.last
      .then(() => changePassword(path, message.change))
      .then(
        () => sender.reply(),
        (error) => refuse(sender, error),
      )
      .finally(() => {
        state.waiting -= 1;
      });
  },
  /** A change that has begun is finished. */
  postStop: (_ctx, state) => state.last,
};

/** Starts the writer of `path` (`api.auth_file`, empty when there is none); main does it once. */
export function spawnUserFile(system: ActorSystem, path: string): ActorRef {
  return system.spawn(userFileBehavior, userFileRef.id, { path }, { epoch: 1 });
}

/** The writer as every thread uses it; for `openUsers`. */
export function userFileChange(system: ActorSystem): (change: PasswordChange) => Promise<void> {
  return (change) => {
    const message: UserFileMessage = { type: 'set_password', change };
    return askActor(system, userFileRef, message, TIMEOUT, 'users cannot be changed at the moment');
  };
}
