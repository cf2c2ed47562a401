/** What is kept of the vault itself; `format` is the version marker of how its values are sealed. */

/** Cost of argon2id. */
export interface KeyCost {
  readonly memoryKib: number;
  readonly passes: number;
  readonly lanes: number;
}

/** A vault of this server. */
export interface CurrentVault {
  readonly format: 'tideway-1';
  /** Base64. */
  readonly salt: string;
  readonly cost: KeyCost;
  /** Base64 of a sealed random text: a password is right if it opens this. */
  readonly check: string;
}

/** A vault as rportd has it, until it is unlocked for the first time. Spec 03 §11.2. */
export interface ImportedVault {
  readonly format: 'rportd';
  /** As `CurrentVault.check`, in the format of rportd. */
  readonly check: string;
}

export type VaultStatus = CurrentVault | ImportedVault;
