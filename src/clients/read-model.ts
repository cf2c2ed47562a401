/**
 * What API requests read: an in-memory index of all clients, one per thread, fed by `ClientChange`s and
 * answered without asking any actor. Architecture §3.
 */

import type { Principal } from '../auth/principal.js';
import type { Happening } from '../events/event.js';
import type { ClientId } from '../ids.js';
import type { ListOptions } from '../query/types.js';
import type { Instant } from '../time.js';
import type { ClientGroupChange } from './groups/group.js';
import type { Page } from './page.js';
import type { ClientChange, ClientRecord } from './record.js';

export interface ClientIndex {
  /** Obsolete clients (spec 03 §5.5) are invisible everywhere. */
  get(id: ClientId): ClientRecord | undefined;
  lastHeartbeat(id: ClientId): Instant | null;
  apply(change: ClientChange): void;
  list(options: ListOptions, viewer: Principal): Page;
  /** JSON object text with the requested `fields[clients]` names, all when `undefined`. */
  detail(id: ClientId, fields: readonly string[] | undefined): string | undefined;
  tags(options: ListOptions, viewer: Principal): Page;
  applyGroup(change: ClientGroupChange): void;
  /**
   * Client groups; those without a visible client are shown to administrators only. Spec 03 §7.3. Comes at once unless
   * it shows many ids of clients; throws `AppError` 400 when it would show too many.
   */
  groups(options: ListOptions, viewer: Principal): Page | Promise<Page>;
  /** Like `groups`: JSON object text of a client group with the requested `fields[client_groups]`, all when `undefined`. */
  group(
    id: string,
    fields: readonly string[] | undefined,
    viewer: Principal,
  ): string | undefined | Promise<string | undefined>;
  /** Ids of the members of a client group in id order, whoever asks; `undefined`: there is no such group. */
  members(groupId: string): readonly ClientId[] | undefined;
  /** All non-obsolete clients in id order, whoever asks. */
  all(): Iterable<ClientRecord>;
  /** All non-obsolete clients, whoever asks. */
  counts(): { readonly connected: number; readonly disconnected: number };
  /** Clients the viewer may access, in id order. */
  visible(viewer: Principal): Iterable<ClientRecord>;
  canAccess(id: ClientId, viewer: Principal): boolean;
}

/** The one way to change stored clients: store, own index and the other threads, in that order. */
export interface ClientRecords {
  get(id: ClientId): ClientRecord | undefined;
  /**
   * Resolves when committed. The own index and the other threads see the change once committed; then `happenings`
   * are told, which are committed together with it.
   */
  save(record: ClientRecord, happenings?: readonly Happening[]): Promise<void>;
  /** `last`: what has happened to the client whose record this is. */
  remove(
    id: ClientId,
    last?: { readonly record: ClientRecord; readonly happenings: readonly Happening[] },
  ): Promise<void>;
  /** Sets the last heartbeat; memory only, announced to other threads once a second. */
  heartbeat(id: ClientId, at: Instant): void;
}
