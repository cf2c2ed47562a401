/** Changes of users and groups: every thread has them made here, where their rules see the truth. */

import type { Accounts } from '../../auth/accounts/accounts.js';
import type { Turns } from '../../auth/accounts/turns.js';
import { AppError, AppErrorList } from '../../errors.js';
import type { Logger } from '../../logging/logger.js';
import { refuse } from '../ask.js';
import type { ActorRef, ActorSystem, Behavior } from '../runtime/types.js';
import { ACCOUNTS_TOPIC, type AccountsMessage, accountsRef } from './messages.js';

/** Changes are rare; more than this at once is a mistake or an attack. */
const WAITING_LIMIT = 100;

export interface AccountsArgs {
  /** What works on the source of users of the present configuration. */
  readonly accounts: () => Accounts;
  /** Those the accounts take. */
  readonly turns: Turns;
  readonly log: Logger;
}

interface State extends AccountsArgs {
  waiting: number;
}

export const accountsBehavior: Behavior<AccountsMessage, State, AccountsArgs> = {
  kind: accountsRef.kind,
  preStart: (_ctx, args) => ({ ...args, waiting: 0 }),
  receive({ system }, state, message, sender) {
    if (state.waiting >= WAITING_LIMIT) return refuse(sender, new AppError('overloaded'));
    state.waiting += 1;
    make(system, state, message)
      .then(
        (result) => sender.reply(result),
        (error: unknown) => refuse(sender, error),
      )
      .finally(() => {
        state.waiting -= 1;
      });
  },
  /** A change that has begun is finished; others are not begun any more. */
  postStop: (_ctx, { turns }) => turns.close(),
};

async function make(
  system: ActorSystem,
  { accounts, log }: State,
  message: AccountsMessage,
): Promise<unknown> {
  const tell = async (): Promise<void> => {
    system.publish(ACCOUNTS_TOPIC, null);
    await system.published();
  };
  try {
    const result = await apply(accounts(), message);
    await tell();
    return result;
  } catch (error) {
    if (error instanceof AppErrorList || (error instanceof AppError && error.status < 500)) throw error;
    // It may have got half way.
    await tell();
    if (!(error instanceof AppError)) log.error(`${message.method} failed: ${textOf(error)}`);
    throw error;
  }
}

function apply(accounts: Accounts, { method, args }: AccountsMessage): Promise<unknown> {
  const change = accounts[method] as (...args: AccountsMessage['args']) => Promise<unknown>;
  return change(...args);
}

const textOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);

/** Starts the actor; main does it once, before the shards start. */
export function spawnAccounts(system: ActorSystem, args: AccountsArgs): ActorRef {
  return system.spawn(accountsBehavior, accountsRef.id, args, { epoch: 1 });
}
