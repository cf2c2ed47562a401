/**
 * The read model of clients of one thread. Architecture §3.
 *
 * - A change costs a few map operations, whatever the size of the fleet; orders are mended when they are asked for.
 * - Pages are kept until something they could show changes, the full text of single clients likewise.
 * - Obsolete clients leave by themselves: every reading first looks at the clock.
 */

import type { Principal } from '../auth/principal.js';
import type { ServerConfig } from '../config/types.js';
import type { ClientId } from '../ids.js';
import type { ListOptions } from '../query/types.js';
import type { ClientGroupRepository } from '../store/client-groups.js';
import type { ClientRepository } from '../store/clients.js';
import type { Clock, Instant, Milliseconds } from '../time.js';
import { BoundedCache } from './bounded-cache.js';
import { Entry } from './client-entry.js';
import { ClientList } from './client-list.js';
import { ClientTable } from './client-table.js';
import type { ClientGroup, ClientGroupChange } from './groups/group.js';
import { GroupIndex } from './groups/group-index.js';
import { GroupList } from './groups/group-list.js';
import { sameGroup } from './groups/same-group.js';
import type { Page } from './page.js';
import type { ClientIndex } from './read-model.js';
import type { ClientChange, ClientRecord } from './record.js';
import { clientWriter } from './record-json.js';
import { type Slim, slimmer } from './slim-record.js';
import { TagList } from './tag-list.js';
import { accessOf } from './visibility.js';

export interface ClientIndexOptions {
  readonly server: Pick<ServerConfig, 'purgeDisconnectedClients' | 'keepDisconnectedClients'>;
  readonly clock: Pick<Clock, 'now'>;
  /**
   * Where committed records are read from. With it, changes of several threads that arrive out of order end up
   * right, because the index takes what is stored rather than what a message says, and the bulky parts of records
   * stay on disk. Without it the index keeps the records it is given.
   */
  readonly clients?: Pick<ClientRepository, 'get' | 'all'>;
  /** Likewise for client groups. */
  readonly clientGroups?: Pick<ClientGroupRepository, 'get' | 'all'>;
}

export interface LoadableClientIndex extends ClientIndex {
  /**
   * Fills the index from the store. Subscribe to `CLIENTS_TOPIC` and `CLIENT_GROUPS_TOPIC` first, in the same turn,
   * or changes are missed.
   */
  load(): void;
  /** Reads the client groups anew, for when a thread may have changed one without telling. */
  loadGroups(): void;
}

export function createClientIndex(options: ClientIndexOptions): LoadableClientIndex {
  return new Index(options);
}

/** Full texts of single clients, some KiB each. */
const DETAIL_ENTRIES = 4096;
const DETAIL_CHARACTERS = 8 * 1024 * 1024;

const writeAllFields = clientWriter(undefined);

class Index implements LoadableClientIndex {
  readonly #options: ClientIndexOptions;
  readonly #slim: Slim;
  readonly #clients = new ClientTable();
  readonly #groups = new GroupIndex();
  readonly #list = new ClientList(this.#clients, this.#groups);
  readonly #groupList = new GroupList(this.#groups, () => this.#clients.ordered('id'));
  readonly #tagList = new TagList((viewer) => this.visible(viewer));
  readonly #details = new BoundedCache<string>(DETAIL_ENTRIES, DETAIL_CHARACTERS);
  /** The last record read from the store for its bulky parts. */
  #lastStored: { readonly id: ClientId; readonly record: ClientRecord | undefined } | undefined;

  constructor(options: ClientIndexOptions) {
    this.#options = options;
    this.#slim = options.clients === undefined ? (record) => record : slimmer((id) => this.#readStored(id));
  }

  load(): void {
    this.loadGroups();
    for (const record of this.#options.clients?.all() ?? []) this.#save(record);
  }

  loadGroups(): void {
    const { clientGroups } = this.#options;
    if (clientGroups === undefined) return;
    const gone = new Set(this.#groups.all().map(({ id }) => id));
    for (const group of clientGroups.all()) {
      gone.delete(group.id);
      this.#putGroup(group.id, group);
    }
    for (const id of gone) this.#putGroup(id, undefined);
  }

  get(id: ClientId): ClientRecord | undefined {
    return this.#live(id)?.record;
  }

  lastHeartbeat(id: ClientId): Instant | null {
    return this.#live(id)?.heartbeat ?? null;
  }

  apply(change: ClientChange): void {
    switch (change.type) {
      case 'saved':
        this.#put(change.record.id, change.record);
        break;
      case 'removed':
        this.#put(change.id, undefined);
        break;
      case 'heartbeats':
        for (const [id, at] of change.beats) this.#beat(id, at);
        this.#list.clearHeartbeats();
        break;
    }
  }

  applyGroup(change: ClientGroupChange): void {
    const { clientGroups } = this.#options;
    const id = change.type === 'saved' ? change.group.id : change.id;
    const announced = change.type === 'saved' ? change.group : undefined;
    this.#putGroup(id, clientGroups === undefined ? announced : clientGroups.get(id));
  }

  list(options: ListOptions, viewer: Principal): Page {
    this.#dropObsolete();
    return this.#list.page(options, viewer);
  }

  detail(id: ClientId, fields: readonly string[] | undefined): string | undefined {
    const entry = this.#live(id);
    if (entry === undefined) return undefined;
    if (fields !== undefined) return clientWriter(fields)(entry);
    const kept = this.#details.get(id);
    if (kept !== undefined) return kept;
    const text = writeAllFields(entry);
    this.#details.set(id, text, text.length);
    return text;
  }

  tags(options: ListOptions, viewer: Principal): Page {
    this.#dropObsolete();
    return this.#tagList.page(options, viewer);
  }

  groups(options: ListOptions, viewer: Principal): Page | Promise<Page> {
    this.#dropObsolete();
    return this.#groupList.page(options, viewer);
  }

  group(
    id: string,
    fields: readonly string[] | undefined,
    viewer: Principal,
  ): string | undefined | Promise<string | undefined> {
    this.#dropObsolete();
    return this.#groupList.one(id, fields, viewer);
  }

  counts(): { readonly connected: number; readonly disconnected: number } {
    this.#dropObsolete();
    const { size, connected } = this.#clients;
    return { connected, disconnected: size - connected };
  }

  members(groupId: string): readonly ClientId[] | undefined {
    this.#dropObsolete();
    const number = this.#groups.numberOf(groupId);
    if (number === undefined) return undefined;
    const members = this.#clients.ordered('id').filter(({ membership }) => membership.has(number));
    return members.map(({ record }) => record.id);
  }

  *all(): Iterable<ClientRecord> {
    this.#dropObsolete();
    for (const { record } of this.#clients.ordered('id')) yield record;
  }

  *visible(viewer: Principal): Iterable<ClientRecord> {
    this.#dropObsolete();
    const isVisible = accessOf(viewer, this.#groups);
    for (const entry of this.#clients.ordered('id')) if (isVisible(entry)) yield entry.record;
  }

  canAccess(id: ClientId, viewer: Principal): boolean {
    const entry = this.#live(id);
    return entry !== undefined && accessOf(viewer, this.#groups)(entry);
  }

  #live(id: ClientId): Entry | undefined {
    this.#dropObsolete();
    return this.#clients.get(id);
  }

  #readStored(id: ClientId): ClientRecord | undefined {
    // A page of several bulky fields asks for the same record several times in a row.
    if (this.#lastStored?.id !== id) {
      this.#lastStored = { id, record: this.#options.clients?.get(id) };
    }
    return this.#lastStored.record;
  }

  /** What is stored goes before what was announced: threads announce in no order common to all. */
  #put(id: ClientId, announced: ClientRecord | undefined): void {
    const { clients } = this.#options;
    const record = clients === undefined ? announced : clients.get(id);
    if (record === undefined) this.#remove(id);
    else this.#save(record);
  }

  #putGroup(id: string, group: ClientGroup | undefined): void {
    const known = this.#groups.get(id);
    if (known === group || (known && group && sameGroup(known, group))) return;
    const reassess = group === undefined ? this.#groups.remove(id) : this.#groups.put(group);
    if (reassess === undefined) return;
    for (const entry of this.#clients.all()) entry.membership = reassess(entry);
    this.#list.clear();
    this.#details.clear();
    this.#groupList.clear();
    this.#tagList.clear();
  }

  #save(record: ClientRecord): void {
    const { id } = record;
    const obsoleteAfter = this.#obsoleteAfter(record);
    const previous = this.#clients.get(id);
    if (obsoleteAfter < this.#options.clock.now()) {
      this.#remove(id);
      return;
    }
    const membership = this.#groups.assess(record, previous);
    const heartbeat = previous?.heartbeat ?? null;
    const entry = new Entry(this.#slim(record), membership, heartbeat, obsoleteAfter);
    if (previous !== undefined) this.#groups.release(previous.membership);
    this.#clients.put(entry, previous);
    this.#changed(id, previous, entry);
  }

  #remove(id: ClientId): void {
    const entry = this.#clients.get(id);
    if (entry === undefined) return;
    this.#groups.release(entry.membership);
    this.#clients.delete(entry);
    this.#changed(id, entry, undefined);
  }

  #beat(id: ClientId, at: Instant): void {
    const entry = this.#clients.get(id);
    // Instants of one form compare as text; an older one may arrive late from another thread.
    if (entry === undefined || (entry.heartbeat !== null && entry.heartbeat > at)) return;
    entry.heartbeat = at;
    this.#details.delete(id);
  }

  #changed(id: ClientId, before: Entry | undefined, after: Entry | undefined): void {
    this.#list.clear();
    this.#details.delete(id);
    this.#lastStored = undefined;
    const sameViewers =
      (before?.membership.bits ?? '') === (after?.membership.bits ?? '') &&
      sameList(before?.record.allowedUserGroups, after?.record.allowedUserGroups);
    if (!sameViewers || !sameList(before?.record.tags, after?.record.tags)) this.#tagList.clear();
    const grouped = `${before?.membership.bits ?? ''}${after?.membership.bits ?? ''}` !== '';
    const sameState =
      before !== undefined &&
      after !== undefined &&
      (before.record.disconnectedAt === null) === (after.record.disconnectedAt === null);
    if (grouped && !(sameViewers && sameState)) this.#groupList.clear();
  }

  #obsoleteAfter({ disconnectedAt }: ClientRecord): Milliseconds {
    const { purgeDisconnectedClients, keepDisconnectedClients } = this.#options.server;
    if (!purgeDisconnectedClients || disconnectedAt === null) return Number.POSITIVE_INFINITY;
    const at = Date.parse(disconnectedAt);
    return Number.isNaN(at) ? Number.POSITIVE_INFINITY : at + keepDisconnectedClients;
  }

  #dropObsolete(): void {
    for (const { record } of this.#clients.obsolete(this.#options.clock)) this.#remove(record.id);
  }
}

/** Absent counts as empty: such a client is in no tag and adds none. */
function sameList(before: readonly string[] | null = null, after: readonly string[] | null = null): boolean {
  const [left, right] = [before ?? [], after ?? []];
  return left.length === right.length && left.every((text, index) => text === right[index]);
}
