/** Messages of the `vault` actor: one, on main, the only one that has the key. Secrets cross threads in memory only. */

import type { Vault } from '../../vault/vault.js';
import type { ActorRef } from '../runtime/types.js';

export const vaultRef: ActorRef = { kind: 'vault', id: 'main' };

/** Reply: what the method returns. */
export type VaultMessage = {
  readonly [Method in keyof Vault]: {
    readonly method: Method;
    readonly args: Parameters<Vault[Method]>;
  };
}[keyof Vault];
