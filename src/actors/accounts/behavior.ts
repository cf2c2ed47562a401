/** Changes of users and groups, one after the other in the whole process, so that their rules see the truth. */

import type { Accounts } from '../../auth/accounts/accounts.js';
import { AppError } from '../../errors.js';
import { refuse } from '../ask.js';
import type { ActorRef, ActorSystem, Behavior } from '../runtime/types.js';
import { ACCOUNTS_TOPIC, type AccountsMessage, accountsRef } from './messages.js';

/** Changes are rare; more than this at once is a mistake or an attack. */
const WAITING_LIMIT = 100;

export interface AccountsArgs {
  /** What works on the source of users of the present configuration. */
  readonly accounts: () => Accounts;
}

interface State {
  readonly accounts: () => Accounts;
  last: Promise<void>;
  waiting: number;
}

export const accountsBehavior: Behavior<AccountsMessage, State, AccountsArgs> = {
  kind: accountsRef.kind,
  preStart: (_ctx, { accounts }) => ({ accounts, last: Promise.resolve(), waiting: 0 }),
  receive({ system }, state, message, sender) {
    if (state.waiting >= WAITING_LIMIT) return refuse(sender, new AppError('overloaded'));
    state.waiting += 1;
    state.last = state.last
      .then(() => apply(state.accounts(), message))
      .then(async (result) => {
        system.publish(ACCOUNTS_TOPIC, null);
        await system.published();
        sender.reply(result);
      })
      .catch((error: unknown) => refuse(sender, error))
      .finally(() => {
        state.waiting -= 1;
      });
  },
  /** A change that has begun is finished. */
  postStop: (_ctx, state) => state.last,
};

function apply(accounts: Accounts, { method, args }: AccountsMessage): Promise<unknown> {
  const change = accounts[method] as (...args: AccountsMessage['args']) => Promise<unknown>;
  return change(...args);
}

/** Starts the actor; main does it once, before the shards start. */
export function spawnAccounts(system: ActorSystem, accounts: () => Accounts): ActorRef {
  return system.spawn(accountsBehavior, accountsRef.id, { accounts }, { epoch: 1 });
}
