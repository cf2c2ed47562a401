/** Distributions that the end of the server before has cut short: their clients get a result, too. */

import type { ActorSystem } from '../runtime/types.js';
import type { UploadsDeps } from './behavior.js';
import { announce, failure, record } from './outcome.js';

/** A client may have the file all the same: only what it would have said of it is lost. */
const CUT_SHORT = 'the server ended before the result was known';
/** Results told of at a time. */
const AT_ONCE = 250;

/** Resolves when all of them are told of; before this server begins any. Rejects with `StoreWriteError`. */
export async function settleUnfinished(system: ActorSystem, deps: UploadsDeps): Promise<void> {
  const { store, log } = deps;
  for (const { upload, clientIds } of [...store.uploads.unfinished()]) {
    if (clientIds.length === 0) continue;
    log.info(`upload ${upload.id}: ${CUT_SHORT}, for ${clientIds.length} clients`);
    for (let start = 0; start < clientIds.length; start += AT_ONCE) {
      const results = clientIds.slice(start, start + AT_ONCE).map((id) => failure(upload, id, CUT_SHORT));
      await Promise.all([announce(system, deps, results), record(deps, upload, results)]);
    }
  }
  await store.uploads.clear();
}
