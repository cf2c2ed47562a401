/** One client in the index, at one moment; its heartbeat and its groups change in place. */

import type { Instant, Milliseconds } from '../time.js';
import type { GroupedClient } from './groups/group-index.js';
import type { Membership } from './groups/membership.js';
import type { ClientRecord } from './record.js';
import type { ClientView } from './record-json.js';
import type { SortableClient } from './sorted-clients.js';

export class Entry implements SortableClient, GroupedClient, ClientView {
  readonly record: ClientRecord;
  /** When the client becomes obsolete; `Infinity` = never. */
  readonly obsoleteAfter: Milliseconds;
  membership: Membership;
  heartbeat: Instant | null;
  stale = false;
  /** Number of the last list it was part of. */
  selection = 0;

  constructor(
    record: ClientRecord,
    membership: Membership,
    heartbeat: Instant | null,
    obsoleteAfter: Milliseconds,
  ) {
    this.record = record;
    this.membership = membership;
    this.heartbeat = heartbeat;
    this.obsoleteAfter = obsoleteAfter;
  }

  get groups(): readonly string[] {
    return this.membership.ids;
  }
}
