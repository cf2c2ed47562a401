import type { VaultKey } from '../../vault/seal.js';

/** The one place in the process where the key of the unlocked vault is. */
export class KeyHolder {
  #key: VaultKey | null = null;

  /** `null` while the vault is locked. Use it at once: a lock overwrites it. */
  get key(): VaultKey | null {
    return this.#key;
  }

  /** Takes the key over. */
  hold(key: VaultKey): void {
    this.drop();
    this.#key = key;
  }

  /** Overwrites the key. */
  drop(): void {
    this.#key?.fill(0);
    this.#key = null;
  }
}
