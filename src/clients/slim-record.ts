/**
 * Records for the index. The configuration and the list of updates of a client are by far its largest parts and
 * are never searched, so they stay in the store and are read when somebody looks: the two properties are getters.
 * They behave like the values for spreading, cloning and serialising.
 */

import type { ClientRepository } from '../store/clients.js';
import type { ClientRecord } from './record.js';

export type Slim = (record: ClientRecord) => ClientRecord;

/** `readStored` finds the whole record of an id; `undefined` when it is gone. */
export function slimmer(readStored: ClientRepository['get']): Slim {
  // Shared by all records, so that they share one hidden class too.
  const getters = {
    updatesStatus: {
      enumerable: true,
      get(this: ClientRecord) {
        return readStored(this.id)?.updatesStatus ?? null;
      },
    },
    clientConfiguration: {
      enumerable: true,
      get(this: ClientRecord) {
        return readStored(this.id)?.clientConfiguration ?? null;
      },
    },
  };
  return ({ updatesStatus: _updates, clientConfiguration: _configuration, ...kept }) =>
    Object.defineProperties(kept, getters) as ClientRecord;
}
