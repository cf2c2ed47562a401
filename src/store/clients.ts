/** Stored clients. */

import type { ClientRecord } from '../clients/record.js';
import type { ClientId } from '../ids.js';

export interface ClientRepository {
  get(id: ClientId): ClientRecord | undefined;
  put(record: ClientRecord): Promise<void>;
  /** With its stored tunnels and the ports they have, in one transaction. */
  remove(id: ClientId): Promise<void>;
  all(): Iterable<ClientRecord>;
}
