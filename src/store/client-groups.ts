/** Stored client groups. Spec 03 §7. */

import type { ClientGroup } from '../clients/groups/group.js';

export interface ClientGroupRepository {
  get(id: string): ClientGroup | undefined;
  /** Resolves `false`, and writes nothing, when there is a group of that id. */
  add(group: ClientGroup): Promise<boolean>;
  put(group: ClientGroup): Promise<void>;
  remove(id: string): Promise<void>;
  all(): Iterable<ClientGroup>;
}
