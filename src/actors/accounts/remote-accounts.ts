import type { Accounts } from '../../auth/accounts/accounts.js';
import type { Milliseconds } from '../../time.js';
import { askActor } from '../ask.js';
import type { ActorSystem } from '../runtime/types.js';
import { type AccountsMessage, accountsRef } from './messages.js';

/** A queue of changes, each with a password to hash, on a machine busy with other things. */
const TIMEOUT: Milliseconds = 30_000;
const GONE = 'users cannot be changed at the moment';

/** Accounts as every thread uses them. */
export function remoteAccounts(system: ActorSystem): Accounts {
  const ask = <Reply>(message: AccountsMessage): Promise<Reply> =>
    askActor<Reply>(system, accountsRef, message, TIMEOUT, GONE);
  return {
    addUser: (...args) => ask({ method: 'addUser', args }),
    changeUser: (...args) => ask({ method: 'changeUser', args }),
    removeUser: (...args) => ask({ method: 'removeUser', args }),
    addVouchedUser: (...args) => ask({ method: 'addVouchedUser', args }),
    setPasswordHash: (...args) => ask({ method: 'setPasswordHash', args }),
    replacePasswordHash: (...args) => ask({ method: 'replacePasswordHash', args }),
    setTotpSecret: (...args) => ask({ method: 'setTotpSecret', args }),
    applyRoles: (...args) => ask({ method: 'applyRoles', args }),
    putGroup: (...args) => ask({ method: 'putGroup', args }),
    removeGroup: (...args) => ask({ method: 'removeGroup', args }),
  };
}
