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
import { compileFilters } from '../query/match.js';
import { paginate } from '../query/paginate.js';
import type { ListOptions } from '../query/types.js';
import type { ClientGroupRepository } from '../store/client-groups.js';
import type { ClientRepository } from '../store/clients.js';
import type { Clock, Instant, Milliseconds } from '../time.js';
import { BoundedCache } from './bounded-cache.js';
import { Entry } from './client-entry.js';
import { type ClientSort, clientColumn, clientSorts, isClientSort } from './columns.js';
import type { ClientGroup, ClientGroupChange } from './groups/group.js';
import { GroupIndex } from './groups/group-index.js';
import { GroupList } from './groups/group-list.js';
import { sameGroup } from './groups/same-group.js';
import type { ClientIndex, Page } from './read-model.js';
import type { ClientChange, ClientRecord } from './record.js';
import { clientWriter, defaultListFields } from './record-json.js';
import { type Slim, slimmer } from './slim-record.js';
import { SortedClients } from './sorted-clients.js';
import { type TagRow, tagRowJson, tagTable } from './tag-table.js';
import { accessOf, visibilityKey } from './visibility.js';

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

/** Pages of lists: requests of a web interface repeat themselves, filters typed by users do not. */
const PAGE_ENTRIES = 256;
const PAGE_CHARACTERS = 8 * 1024 * 1024;
/** Full texts of single clients, some KiB each. */
const DETAIL_ENTRIES = 4096;
const DETAIL_CHARACTERS = 8 * 1024 * 1024;
/** Viewers with different groups whose tags are kept. */
const TAG_TABLES = 16;

interface KeptPage {
  readonly page: Page;
  /** Of the heartbeats when the page was made; `null` when it shows none. */
  readonly heartbeats: number | null;
}

const writeDefaultFields = clientWriter(defaultListFields);
const writeAllFields = clientWriter(undefined);

class Index implements LoadableClientIndex {
  readonly #options: ClientIndexOptions;
  readonly #slim: Slim;
  readonly #entries = new Map<ClientId, Entry>();
  readonly #groups = new GroupIndex();
  readonly #groupList: GroupList;
  /** Entries that may become obsolete. Empty unless purging is on. */
  readonly #perishable = new Set<Entry>();
  /** No perishable entry is obsolete up to this time. */
  #freshUntil: Milliseconds = Number.POSITIVE_INFINITY;
  #connected = 0;
  readonly #orders: Readonly<Record<ClientSort, SortedClients<Entry>>>;
  /** The last record read from the store for its bulky parts. */
  #lastStored: { readonly id: ClientId; readonly record: ClientRecord | undefined } | undefined;
  #heartbeats = 0;
  #selection = 0;
  readonly #pages = new BoundedCache<KeptPage>(PAGE_ENTRIES, PAGE_CHARACTERS);
  readonly #tagPages = new BoundedCache<Page>(PAGE_ENTRIES, PAGE_CHARACTERS);
  readonly #tagTables = new Map<string, readonly TagRow[]>();
  readonly #details = new BoundedCache<string>(DETAIL_ENTRIES, DETAIL_CHARACTERS);

  constructor(options: ClientIndexOptions) {
    this.#options = options;
    this.#slim = options.clients === undefined ? (record) => record : slimmer((id) => this.#readStored(id));
    const order = (column: ClientSort) =>
      new SortedClients<Entry>(clientSorts[column], () => this.#entries.values());
    this.#orders = {
      id: order('id'),
      name: order('name'),
      os: order('os'),
      hostname: order('hostname'),
      version: order('version'),
    };
    this.#groupList = new GroupList(this.#groups, () => this.#orders.id.ordered());
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
        this.#heartbeats++;
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
    const { sorts, filters, offset, limit } = options;
    const names = options.fields.clients;
    const key = cacheKey(viewer, [sorts, filters, names, offset, limit]);
    const kept = this.#pages.get(key);
    if (kept !== undefined && (kept.heartbeats ?? this.#heartbeats) === this.#heartbeats) return kept.page;
    const { entries, count } = this.#select(options, viewer);
    const write = names === undefined ? writeDefaultFields : clientWriter(names);
    const page = { items: `[${entries.map(write).join(',')}]`, count };
    const heartbeats = names?.includes('last_heartbeat_at') ? this.#heartbeats : null;
    this.#pages.set(key, { page, heartbeats }, key.length + page.items.length);
    return page;
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
    const names = options.fields.client_tags;
    const key = cacheKey(viewer, [names, options.offset, options.limit]);
    const kept = this.#tagPages.get(key);
    if (kept !== undefined) return kept;
    const { items, count } = paginate(this.#tagTable(viewer), options);
    const page = { items: `[${items.map((row) => tagRowJson(row, names)).join(',')}]`, count };
    this.#tagPages.set(key, page, key.length + page.items.length);
    return page;
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
    return { connected: this.#connected, disconnected: this.#entries.size - this.#connected };
  }

  members(groupId: string): readonly ClientId[] | undefined {
    this.#dropObsolete();
    const number = this.#groups.numberOf(groupId);
    if (number === undefined) return undefined;
    const members = this.#orders.id.ordered().filter(({ membership }) => membership.has(number));
    return members.map(({ record }) => record.id);
  }

  *all(): Iterable<ClientRecord> {
    this.#dropObsolete();
    for (const { record } of this.#orders.id.ordered()) yield record;
  }

  *visible(viewer: Principal): Iterable<ClientRecord> {
    this.#dropObsolete();
    const isVisible = accessOf(viewer, this.#groups);
    for (const entry of this.#orders.id.ordered()) if (isVisible(entry)) yield entry.record;
  }

  canAccess(id: ClientId, viewer: Principal): boolean {
    const entry = this.#live(id);
    return entry !== undefined && accessOf(viewer, this.#groups)(entry);
  }

  #select(
    { sorts: [sort], filters, offset, limit }: ListOptions,
    viewer: Principal,
  ): { entries: readonly Entry[]; count: number } {
    const column = sort !== undefined && isClientSort(sort.column) ? sort.column : 'id';
    const ordered = this.#orders[column].ordered();
    const backwards = sort?.descending ?? false;
    const total = ordered.length;
    const end = offset + limit;
    const entries: Entry[] = [];
    const at = (index: number) => ordered[backwards ? total - 1 - index : index] as Entry;
    if (filters.length === 0 && viewer.admin) {
      for (let index = offset; index < Math.min(end, total); index++) entries.push(at(index));
      return { entries, count: total };
    }
    // Looked at in the order of the map, which is close to that of the memory: several times faster than in the
    // order of the column. Then the page is picked in that order, which ends with its last client.
    const matches = compileFilters(filters, clientColumn);
    const isVisible = accessOf(viewer, this.#groups);
    const selection = ++this.#selection;
    let count = 0;
    for (const entry of this.#entries.values()) {
      if (!isVisible(entry) || !matches(entry)) continue;
      entry.selection = selection;
      count++;
    }
    let toSkip = offset;
    for (let index = 0; index < total && offset + entries.length < Math.min(end, count); index++) {
      const entry = at(index);
      if (entry.selection === selection && --toSkip < 0) entries.push(entry);
    }
    return { entries, count };
  }

  #tagTable(viewer: Principal): readonly TagRow[] {
    const key = visibilityKey(viewer);
    const kept = this.#tagTables.get(key);
    if (kept !== undefined) return kept;
    const table = tagTable(this.visible(viewer));
    if (this.#tagTables.size >= TAG_TABLES) this.#tagTables.clear();
    this.#tagTables.set(key, table);
    return table;
  }

  #live(id: ClientId): Entry | undefined {
    this.#dropObsolete();
    return this.#entries.get(id);
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
    for (const entry of this.#entries.values()) entry.membership = reassess(entry);
    this.#pages.clear();
    this.#details.clear();
    this.#groupList.clear();
    this.#forgetTags();
  }

  #save(record: ClientRecord): void {
    const { id } = record;
    const obsoleteAfter = this.#obsoleteAfter(record);
    const previous = this.#entries.get(id);
    if (obsoleteAfter < this.#options.clock.now()) {
      this.#remove(id);
      return;
    }
    const membership = this.#groups.assess(record, previous);
    const heartbeat = previous?.heartbeat ?? null;
    const entry = new Entry(this.#slim(record), membership, heartbeat, obsoleteAfter);
    if (previous !== undefined) this.#forget(previous);
    this.#entries.set(id, entry);
    if (record.disconnectedAt === null) this.#connected++;
    if (obsoleteAfter !== Number.POSITIVE_INFINITY) {
      this.#perishable.add(entry);
      this.#freshUntil = Math.min(this.#freshUntil, obsoleteAfter);
    }
    for (const order of Object.values(this.#orders)) order.added(entry);
    this.#changed(id, previous, entry);
  }

  #remove(id: ClientId): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    this.#forget(entry);
    this.#changed(id, entry, undefined);
  }

  #forget(entry: Entry): void {
    this.#entries.delete(entry.record.id);
    this.#perishable.delete(entry);
    this.#groups.release(entry.membership);
    entry.stale = true;
    if (entry.record.disconnectedAt === null) this.#connected--;
    for (const order of Object.values(this.#orders)) order.removed();
  }

  #beat(id: ClientId, at: Instant): void {
    const entry = this.#entries.get(id);
    // Instants of one form compare as text; an older one may arrive late from another thread.
    if (entry === undefined || (entry.heartbeat !== null && entry.heartbeat > at)) return;
    entry.heartbeat = at;
    this.#details.delete(id);
  }

  #changed(id: ClientId, before: Entry | undefined, after: Entry | undefined): void {
    this.#pages.clear();
    this.#details.delete(id);
    this.#lastStored = undefined;
    const sameViewers =
      (before?.membership.bits ?? '') === (after?.membership.bits ?? '') &&
      sameList(before?.record.allowedUserGroups, after?.record.allowedUserGroups);
    if (!sameViewers || !sameList(before?.record.tags, after?.record.tags)) this.#forgetTags();
    const grouped = `${before?.membership.bits ?? ''}${after?.membership.bits ?? ''}` !== '';
    const sameState =
      before !== undefined &&
      after !== undefined &&
      (before.record.disconnectedAt === null) === (after.record.disconnectedAt === null);
    if (grouped && !(sameViewers && sameState)) this.#groupList.clear();
  }

  #forgetTags(): void {
    this.#tagTables.clear();
    this.#tagPages.clear();
  }

  #obsoleteAfter({ disconnectedAt }: ClientRecord): Milliseconds {
    const { purgeDisconnectedClients, keepDisconnectedClients } = this.#options.server;
    if (!purgeDisconnectedClients || disconnectedAt === null) return Number.POSITIVE_INFINITY;
    const at = Date.parse(disconnectedAt);
    return Number.isNaN(at) ? Number.POSITIVE_INFINITY : at + keepDisconnectedClients;
  }

  #dropObsolete(): void {
    if (this.#perishable.size === 0) return;
    const now = this.#options.clock.now();
    if (now <= this.#freshUntil) return;
    this.#freshUntil = Number.POSITIVE_INFINITY;
    for (const entry of this.#perishable) {
      if (entry.obsoleteAfter < now) this.#remove(entry.record.id);
      else this.#freshUntil = Math.min(this.#freshUntil, entry.obsoleteAfter);
    }
  }
}

const cacheKey = (viewer: Principal, options: readonly unknown[]): string =>
  `${visibilityKey(viewer)}\n${JSON.stringify(options)}`;

/** Absent counts as empty: such a client is in no tag and adds none. */
function sameList(before: readonly string[] | null = null, after: readonly string[] | null = null): boolean {
  const [left, right] = [before ?? [], after ?? []];
  return left.length === right.length && left.every((text, index) => text === right[index]);
}
