/** Table `totp_uses`: the last code of each authenticator app that was used. */

import { committed } from './commit.js';
import type { OpenedTables } from './tables.js';
import type { TotpUseRepository } from './types.js';

export function createTotpUseRepository({ root, totpUses }: OpenedTables): TotpUseRepository {
  return {
    lastStep(key) {
      totpUses.resetReadTxn();
      return parse(totpUses.get(key))?.step;
    },

    async put({ key, step, until }, now) {
      await committed(
        totpUses.transaction(() => {
          // One row per app; those that protect nothing any more go with every write.
          for (const { key: other, value } of totpUses.getRange()) {
            if ((parse(value)?.until ?? 0) <= now) totpUses.remove(other);
          }
          totpUses.put(key, JSON.stringify({ step, until }));
        }),
      );
      await root.flushed;
    },
  };
}

function parse(text: string | undefined): { readonly step: number; readonly until: number } | undefined {
  if (text === undefined) return undefined;
  const { step, until } = JSON.parse(text) as { step: number; until: number };
  return { step, until };
}
