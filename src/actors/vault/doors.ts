/** Making, unlocking and locking the vault: one after the other, as each takes a while. Spec 03 §11.3. */

import { AppError } from '../../errors.js';
import type { Logger } from '../../logging/logger.js';
import type { Store } from '../../store/store.js';
import type { Clock } from '../../time.js';
import { checkNewPassword, isPossiblePassword } from '../../vault/check-input.js';
import { keyFor, makeVault } from '../../vault/key-check.js';
import type { VaultKey } from '../../vault/seal.js';
import type { VaultStatus } from '../../vault/status.js';
import type { VaultState } from '../../vault/vault.js';
import { WrongPasswords } from '../../vault/wrong-passwords.js';
import type { KeyHolder } from './key-holder.js';
import { upgradeVault } from './upgrade.js';

/** Only administrators get here; at some 150 ms each the last one in the queue waits 3 s. */
const WAITING_LIMIT = 20;

export interface DoorsOptions {
  readonly store: Pick<Store, 'vault' | 'flushed'>;
  readonly holder: KeyHolder;
  readonly clock: Clock;
  readonly log: Logger;
}

export class Doors {
  readonly #options: DoorsOptions;
  readonly #wrong = new WrongPasswords();
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(options: DoorsOptions) {
    this.#options = options;
  }

  async state(): Promise<VaultState> {
    const { store, holder } = this.#options;
    if (holder.key !== null) return { init: 'setup-completed', status: 'unlocked' };
    return store.vault.status() === undefined
      ? { init: 'uninitialized', status: '' }
      : { init: 'setup-completed', status: 'locked' };
  }

  init(password: string): Promise<void> {
    return this.#inTurn(async () => {
      const { store, holder, log } = this.#options;
      checkNewPassword(password);
      if (store.vault.status() !== undefined) throw alreadyInitialized();
      const { status, key } = await makeVault(password);
      // Another process may have imported one meanwhile.
      if (!(await store.vault.init(status))) {
        key.fill(0);
        throw alreadyInitialized();
      }
      await store.flushed();
      holder.hold(key);
      log.info('initialized and unlocked');
    });
  }

  unlock(password: string): Promise<void> {
    return this.#inTurn(async () => {
      const { store, holder, log } = this.#options;
      if (holder.key !== null) throw conflict('vault is already unlocked');
      const status = store.vault.status();
      if (status === undefined) throw conflict('vault is not initialized yet');
      const key = await this.#rightKey(status, password);
      if (status.format === 'tideway-1') holder.hold(key);
      else holder.hold(await upgradeVault({ store, status, importedKey: key, password, log }));
      log.info('unlocked');
    });
  }

  lock(): Promise<void> {
    return this.#inTurn(async () => {
      const { holder, log } = this.#options;
      if (holder.key === null) throw conflict('vault is already locked');
      holder.drop();
      log.info('locked');
    });
  }

  /** Throws `AppError` 401, or 429 without having looked at the password. */
  async #rightKey(status: VaultStatus, password: string): Promise<VaultKey> {
    const { clock, log } = this.#options;
    const wait = this.#wrong.waitLeft(clock.now());
    if (wait > 0) throw new AppError('too_many_requests', { retryAfterSeconds: Math.ceil(wait / 1000) });
    // No vault has a password of another length: there is nothing to derive.
    const key = isPossiblePassword(password) ? await keyFor(status, password) : null;
    if (key === null) {
      this.#wrong.failed(clock.now());
      log.info(`wrong password, ${this.#wrong.inARow} in a row`);
      throw new AppError('unauthorized', { title: 'wrong password provided' });
    }
    this.#wrong.succeeded();
    return key;
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    if (this.#waiting >= WAITING_LIMIT) return Promise.reject(new AppError('overloaded'));
    this.#waiting += 1;
    const mine = this.#last.then(work);
    this.#last = mine
      .catch(() => undefined)
      .finally(() => {
        this.#waiting -= 1;
      });
    return mine;
  }
}

const conflict = (title: string): AppError => new AppError('conflict', { title });
const alreadyInitialized = (): AppError => conflict('vault is already initialized');
