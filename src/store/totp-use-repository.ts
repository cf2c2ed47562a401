/** Table `totp_uses`: the last code of each authenticator app that was used. */

import { committed } from './commit.js';
import { rowFields } from './row-fields.js';
import type { OpenedTables } from './tables.js';
import type { TotpUseRepository } from './totp-uses.js';

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

/** `undefined` for a foreign row: it protects nothing, and must not keep anybody from logging in. */
function parse(text: string | undefined): { readonly step: number; readonly until: number } | undefined {
  if (text === undefined) return undefined;
  const fields = rowFields(text);
  const use = { step: fields.number('step'), until: fields.number('until') };
  return fields.fits ? use : undefined;
}
