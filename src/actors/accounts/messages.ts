/** Messages of the `accounts` actor: one, on main, the only one that changes users and groups. */

import type { Accounts } from '../../auth/accounts/accounts.js';
import type { ActorRef } from '../runtime/types.js';

export const accountsRef: ActorRef = { kind: 'accounts', id: 'main' };

/** Published after every change; carries nothing. What a thread remembers of users ends with it. */
export const ACCOUNTS_TOPIC = 'accounts';

/** Reply: what the method returns. */
export type AccountsMessage = {
  readonly [Method in keyof Accounts]: {
    readonly method: Method;
    readonly args: Parameters<Accounts[Method]>;
  };
}[keyof Accounts];
