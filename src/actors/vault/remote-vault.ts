import type { Milliseconds } from '../../time.js';
import type { Vault } from '../../vault/vault.js';
import { askActor } from '../ask.js';
import type { ActorSystem } from '../runtime/types.js';
import { type VaultMessage, vaultRef } from './messages.js';

/** A full queue of changes on a machine busy with other things. */
const TIMEOUT: Milliseconds = 15_000;
/** A queue of passwords, and the upgrade of a large imported vault: 10 000 values take a second or two. */
const UNLOCK_TIMEOUT: Milliseconds = 60_000;
const GONE = 'the vault cannot be used at the moment';

/** The vault as every thread uses it. */
export function remoteVault(system: ActorSystem): Vault {
  const ask = <Reply>(message: VaultMessage, timeout = TIMEOUT): Promise<Reply> =>
    askActor<Reply>(system, vaultRef, message, timeout, GONE);
  return {
    state: () => ask({ method: 'state', args: [] }),
    init: (...args) => ask({ method: 'init', args }, UNLOCK_TIMEOUT),
    unlock: (...args) => ask({ method: 'unlock', args }, UNLOCK_TIMEOUT),
    lock: () => ask({ method: 'lock', args: [] }, UNLOCK_TIMEOUT),
    requireUnlocked: () => ask({ method: 'requireUnlocked', args: [] }),
    add: (...args) => ask({ method: 'add', args }),
    read: (...args) => ask({ method: 'read', args }),
    replace: (...args) => ask({ method: 'replace', args }),
    remove: (...args) => ask({ method: 'remove', args }),
  };
}
