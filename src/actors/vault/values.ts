/** Values of the unlocked vault. Spec 03 §11.4. */

import { AppError } from '../../errors.js';
import type { Store } from '../../store/store.js';
import type { SealEntry } from '../../store/vault.js';
import { type Clock, instant } from '../../time.js';
import { checkInput } from '../../vault/check-input.js';
import type { VaultEntry, VaultInput, VaultTexts } from '../../vault/entry.js';
import { MOST_VALUES } from '../../vault/limits.js';
import { open, placeOf, seal, UnsealError, type VaultKey } from '../../vault/seal.js';
import type { Vault, VaultUser } from '../../vault/vault.js';
import type { KeyHolder } from './key-holder.js';

export interface VaultValuesOptions {
  readonly store: Pick<Store, 'vault' | 'flushed'>;
  readonly holder: KeyHolder;
  readonly clock: Clock;
}

type Values = Pick<Vault, 'requireUnlocked' | 'add' | 'read' | 'replace' | 'remove'>;

export function vaultValues({ store, holder, clock }: VaultValuesOptions): Values {
  const unlockedKey = (): VaultKey => {
    const { key } = holder;
    if (key === null) throw conflict('vault is locked');
    return key;
  };

  /** With the key of the moment it is called: the vault may be locked while a change waits for its transaction. */
  const sealWith =
    (value: string): SealEntry =>
    (entry) =>
      holder.key === null ? null : seal(holder.key, placeOf(entry.id, entry), value);

  /** Whole seconds, as rportd has them. */
  const now = (): string => instant(clock.now()).replace(/\.\d+Z$/, 'Z');

  return {
    async requireUnlocked() {
      unlockedKey();
    },

    async add(input, { username }) {
      unlockedKey();
      checkInput(input);
      const at = now();
      const times = { createdAt: at, createdBy: username, updatedAt: at, updatedBy: username };
      const result = await store.vault.add(
        { ...textsOf(input), ...times },
        sealWith(input.value),
        MOST_VALUES,
      );
      if (result.kind !== 'stored') throw refusal(result.kind, input);
      await store.flushed();
      return result.entry;
    },

    async read(id, user) {
      const key = unlockedKey();
      const row = store.vault.get(id);
      if (row === undefined) throw cannotFind(id);
      const { entry, sealed } = row;
      if (!mayUse(user, entry)) throw forbidden();
      try {
        return { ...entry, value: open(key, placeOf(id, entry), sealed) };
      } catch (error) {
        if (!(error instanceof UnsealError)) throw error;
        throw new AppError('internal', { title: 'the value cannot be decrypted', detail: error.message });
      }
    },

    async replace(id, input, user) {
      unlockedKey();
      checkInput(input);
      const result = await store.vault.replace(
        id,
        { ...textsOf(input), updatedAt: now(), updatedBy: user.username },
        (stored) => mayUse(user, stored),
        sealWith(input.value),
      );
      if (result.kind === 'missing') {
        throw new AppError('not_found', { title: 'cannot find entry by the provided existingID' });
      }
      if (result.kind !== 'stored') throw refusal(result.kind, input);
      await store.flushed();
      return result.entry;
    },

    async remove(id, user) {
      unlockedKey();
      const result = await store.vault.remove(
        id,
        (stored) => mayUse(user, stored),
        () => holder.key === null,
      );
      if (result.kind === 'missing') throw cannotFind(id);
      if (result.kind !== 'removed') throw refusal(result.kind);
      await store.flushed();
      return result.entry;
    },
  };
}

/** Administrators are no exception. */
const mayUse = ({ groups }: VaultUser, { requiredGroup }: VaultEntry): boolean =>
  requiredGroup === '' || groups.includes(requiredGroup);

/** Without the value, which goes nowhere but into its seal. */
const textsOf = ({ clientId, requiredGroup, key, type }: VaultInput): VaultTexts => ({
  clientId,
  requiredGroup,
  key,
  type,
});

const conflict = (title: string): AppError => new AppError('conflict', { title });
const forbidden = (): AppError =>
  new AppError('forbidden', { title: "your group doesn't allow access to this value" });
const cannotFind = (id: number): AppError =>
  new AppError('not_found', { title: `Cannot find a vault value by the provided id: ${id}` });

function refusal(
  kind: 'locked' | 'key_taken' | 'full' | 'forbidden',
  { key, clientId }: Pick<VaultTexts, 'key' | 'clientId'> = { key: '', clientId: '' },
): AppError {
  switch (kind) {
    case 'locked':
      return conflict('vault is locked');
    case 'key_taken':
      return conflict(`another key '${key}' exists for this client '${clientId}'`);
    case 'full':
      return conflict(`the vault is full, it has ${MOST_VALUES} values`);
    case 'forbidden':
      return forbidden();
  }
}
