/** The vault: every thread has its values sealed and opened here, where the key is. */

import { AppError, AppErrorList } from '../../errors.js';
import type { Logger } from '../../logging/logger.js';
import type { Store } from '../../store/store.js';
import type { Clock } from '../../time.js';
import type { Vault } from '../../vault/vault.js';
import { refuse } from '../ask.js';
import type { ActorRef, ActorSystem, Behavior } from '../runtime/types.js';
import { Doors } from './doors.js';
import { KeyHolder } from './key-holder.js';
import { type VaultMessage, vaultRef } from './messages.js';
import { vaultValues } from './values.js';

/** Changes on their way to the disk, some KiB each; thousands a second get there. */
const WAITING_LIMIT = 1_000;

export interface VaultArgs {
  readonly store: Pick<Store, 'vault' | 'flushed'>;
  readonly clock: Clock;
  readonly log: Logger;
}

interface State {
  readonly vault: Vault;
  readonly holder: KeyHolder;
  readonly log: Logger;
  waiting: number;
}

export const vaultBehavior: Behavior<VaultMessage, State, VaultArgs> = {
  kind: vaultRef.kind,
  preStart(_ctx, { store, clock, log }) {
    const holder = new KeyHolder();
    const doors = new Doors({ store, holder, clock, log });
    const values = vaultValues({ store, holder, clock });
    const vault: Vault = {
      state: () => doors.state(),
      init: (password) => doors.init(password),
      unlock: (password) => doors.unlock(password),
      lock: () => doors.lock(),
      ...values,
    };
    return { vault, holder, log, waiting: 0 };
  },
  receive(_ctx, state, message, sender) {
    if (state.waiting >= WAITING_LIMIT) return refuse(sender, new AppError('overloaded'));
    state.waiting += 1;
    apply(state.vault, message)
      .then(
        (result) => sender.reply(result),
        (error: unknown) => {
          if (isUnexpected(error)) state.log.error(`${message.method} failed: ${textOf(error)}`);
          refuse(sender, error);
        },
      )
      .finally(() => {
        state.waiting -= 1;
      });
  },
  postStop: (_ctx, { holder }) => holder.drop(),
};

async function apply(vault: Vault, { method, args }: VaultMessage): Promise<unknown> {
  const operation = vault[method] as (...args: VaultMessage['args']) => Promise<unknown>;
  return operation(...args);
}

/** Refusals are no news, and what else is an `AppError` is logged where the request ends. */
const isUnexpected = (error: unknown): boolean =>
  !(error instanceof AppErrorList) && !(error instanceof AppError);

/** Errors of this actor say what went wrong, never what a value or a password was. */
const textOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);

/** Starts the actor; main does it once, before the shards start. It is locked. */
export function spawnVault(system: ActorSystem, args: VaultArgs): ActorRef {
  return system.spawn(vaultBehavior, vaultRef.id, args, { epoch: 1 });
}
