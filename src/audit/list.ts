/**
 * `GET /auditlog`: pages of the log without reading more of it than they need. Spec 03 §12.3.
 *
 * Sequence numbers have no gaps, so a page in the order of the log, and its number of entries, cost nothing. Time
 * stamps have the same order unless the clock was set back; then filters by time become a part of the sequence. A
 * filter for one user or one client goes by its index. Whatever is left is looked at entry by entry, in turns.
 */

import { AppError } from '../errors.js';
import { parsePlainDate, parseRfc3339 } from '../query/instant.js';
import { listStored, type StoredColumns, type StoredPage } from '../query/stored.js';
import type { Filter, ListOptions, ListSupport } from '../query/types.js';
import type { AuditRepository } from '../store/audit-log.js';
import { instant, type Milliseconds } from '../time.js';
import { readEntry } from './chain.js';
import type { AuditEntry, IndexedColumn } from './entry.js';

const timeFilters = ['timestamp[gt]', 'timestamp[lt]', 'timestamp[since]', 'timestamp[until]'];
const textColumns = [
  'username',
  'remote_ip',
  'application',
  'action',
  'affected_id',
  'client_id',
  'client_hostname',
] as const;

export const auditListSupport: ListSupport = {
  sorts: ['timestamp', ...textColumns],
  filters: [...textColumns, ...timeFilters],
  page: { defaultLimit: 10, maxLimit: 100 },
};

/**
 * Deepest place of a page that is sorted by a column: that many entries are kept and sorted at once, which was
 * measured at 10 ms.
 */
export const DEEPEST_SORTED = 5_000;

/** Entries read, or places looked at, before others have their turn: one to two milliseconds each. */
const ENTRIES_PER_PIECE = 250;
const PLACES_PER_PIECE = 2_000;

const columns: StoredColumns<AuditEntry> = {
  timestamp: { kind: 'instant', read: ({ timestamp }) => instant(timestamp) },
  username: { kind: 'text', read: ({ username }) => username },
  remote_ip: { kind: 'text', read: ({ remoteIp }) => remoteIp },
  application: { kind: 'text', read: ({ application }) => application },
  action: { kind: 'text', read: ({ action }) => action },
  affected_id: { kind: 'text', read: ({ affectedId }) => affectedId },
  client_id: { kind: 'text', read: ({ clientId }) => clientId },
  client_hostname: { kind: 'text', read: ({ clientHostname }) => clientHostname },
};

export interface AuditQuery extends Pick<ListOptions, 'sorts' | 'filters' | 'offset' | 'limit'> {
  /** Entries of this user only; `null`: of everybody. */
  readonly onlyOf: string | null;
}

/** Part of the sequence; empty when `to` is below `from`. */
interface Part {
  readonly from: number;
  readonly to: number;
}

interface Subject {
  readonly column: IndexedColumn;
  readonly text: string;
}

/** One page, oldest first unless asked otherwise. For `Turns`. Throws `AppError` 400 like `listStored`. */
export function* listAudit(
  audit: AuditRepository,
  query: AuditQuery,
): Generator<void, StoredPage<AuditEntry>> {
  const { offset, limit } = query;
  const { head, archive } = audit.state();
  const ordered = head.disorderAt <= archive.rotated.seq + 1;
  let part: Part = { from: archive.rotated.seq + 1, to: head.seq };
  let rest = query.filters;
  if (ordered) {
    part = within(audit, part, rest);
    rest = rest.filter((filter) => boundsOf(filter) === undefined);
  }
  // What decides who may be found at all goes first.
  const chosen = query.onlyOf === null ? rest.find((filter) => subjectIn(filter) !== undefined) : undefined;
  const subject: Subject | undefined =
    query.onlyOf === null ? chosen && subjectIn(chosen) : { column: 'username', text: query.onlyOf };
  rest = rest.filter((filter) => filter !== chosen);
  const [first] = query.sorts;
  const natural =
    first === undefined || (ordered && query.sorts.length === 1 && first.column === 'timestamp');
  const reverse = natural && first?.descending === true;

  if (natural && rest.length === 0) {
    if (subject === undefined) {
      const count = Math.max(part.to - part.from + 1, 0);
      return { items: pageOf(audit, part, reverse, offset, limit), count };
    }
    return yield* subjectPage(audit, subject, part, { reverse, offset, limit });
  }
  if (!natural && offset + limit > DEEPEST_SORTED) {
    throw new AppError('bad_request', {
      title: 'pagination offset too big for this order',
      detail: `offset and limit may be ${DEEPEST_SORTED} together, use a filter or the order of time`,
    });
  }
  // Thousands may be kept while looking, so they are kept without what is long and not looked at.
  const scan = function* (): Generator<AuditEntry> {
    for (const entry of entries(audit, part, subject, reverse)) yield { ...entry, request: '', response: '' };
  };
  // What is in order already comes in that order; the engine then sorts nothing.
  const sorts = natural ? [] : query.sorts;
  const { items, count } = yield* listStored(
    { columns, scan, count: () => 0 },
    { sorts, filters: matchAll(rest), offset, limit },
  );
  audit.state();
  return { items: items.flatMap(({ seq }) => entryAt(audit, seq)), count };
}

/** The engine takes a list without filters for one it need not look through. */
const matchAll = (filters: readonly Filter[]): readonly Filter[] =>
  filters.length > 0
    ? filters
    : [{ columns: ['application'], operator: '', values: ['*'], combine: 'or' as const }];

function pageOf(
  audit: AuditRepository,
  part: Part,
  reverse: boolean,
  offset: number,
  limit: number,
): readonly AuditEntry[] {
  const { from, to } = reverse
    ? { from: Math.max(part.from, part.to - offset - limit + 1), to: part.to - offset }
    : { from: part.from + offset, to: Math.min(part.to, part.from + offset + limit - 1) };
  if (to < from) return [];
  return audit.lines({ from, to, reverse, limit }).flatMap(({ line }) => readEntry(line)?.entry ?? []);
}

function* subjectPage(
  audit: AuditRepository,
  subject: Subject,
  part: Part,
  { reverse, offset, limit }: { readonly reverse: boolean; readonly offset: number; readonly limit: number },
): Generator<void, StoredPage<AuditEntry>> {
  const wanted: number[] = [];
  let count = 0;
  let pieces = 0;
  for (const places of placesOf(audit, subject, part, reverse, PLACES_PER_PIECE)) {
    if (pieces++ > 0) yield;
    const first = Math.max(offset - count, 0);
    if (wanted.length < limit) wanted.push(...places.slice(first, first + limit - wanted.length));
    count += places.length;
  }
  return { items: wanted.flatMap((seq) => entryAt(audit, seq)), count };
}

/** Places in pieces; each piece is read by itself, so that nothing is held open between turns. */
function* placesOf(
  audit: AuditRepository,
  { column, text }: Subject,
  part: Part,
  reverse: boolean,
  limit: number,
): Generator<readonly number[]> {
  let { from, to } = part;
  while (from <= to) {
    audit.state();
    const places = audit.places(column, text, { from, to, reverse, limit });
    const last = places.at(-1);
    if (last === undefined) return;
    yield places;
    if (reverse) to = last - 1;
    else from = last + 1;
  }
}

function* entries(
  audit: AuditRepository,
  part: Part,
  subject: Subject | undefined,
  reverse: boolean,
): Generator<AuditEntry> {
  if (subject !== undefined) {
    for (const places of placesOf(audit, subject, part, reverse, ENTRIES_PER_PIECE)) {
      for (const seq of places) yield* entryAt(audit, seq);
    }
    return;
  }
  let { from, to } = part;
  while (from <= to) {
    audit.state();
    const rows = audit.lines({ from, to, reverse, limit: ENTRIES_PER_PIECE });
    const last = rows.at(-1);
    if (last === undefined) return;
    for (const { line } of rows) {
      const read = readEntry(line);
      if (read !== undefined) yield read.entry;
    }
    if (reverse) to = last.seq - 1;
    else from = last.seq + 1;
  }
}

function entryAt(audit: AuditRepository, seq: number): AuditEntry[] {
  const read = readEntry(audit.line(seq) ?? '');
  return read === undefined ? [] : [read.entry];
}

function subjectIn({
  columns: [column, ...others],
  operator,
  values: [text = '', ...more],
}: Filter): Subject | undefined {
  if (others.length > 0 || more.length > 0 || operator !== '' || text === '' || text.includes('*'))
    return undefined;
  return column === 'username' || column === 'client_id' ? { column, text } : undefined;
}

/** The part of `part` that the filters by time leave, where the order is that of time. */
function within(audit: AuditRepository, part: Part, filters: readonly Filter[]): Part {
  let { from, to } = part;
  for (const filter of filters) {
    const bounds = boundsOf(filter);
    if (bounds === undefined) continue;
    from = Math.max(from, firstAtOrAfter(audit, part, bounds.since));
    to = Math.min(to, firstAtOrAfter(audit, part, bounds.before) - 1);
  }
  return { from, to };
}

/** Time stamps are whole milliseconds. `undefined`: the filter is another one. */
function boundsOf({
  columns: [column],
  operator,
  values: [value = '', ...more],
}: Filter): { readonly since: Milliseconds; readonly before: Milliseconds } | undefined {
  if (column !== 'timestamp' || more.length > 0) return undefined;
  const at =
    parseRfc3339(value) ??
    parsePlainDate(value) ??
    (/^[0-9]{1,12}$/.test(value) ? Number(value) * 1000 : undefined);
  if (at === undefined) return undefined;
  const after = Math.floor(at) + 1;
  const [since, before] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  switch (operator) {
    case 'gt':
      return { since: after, before };
    case 'since':
      return { since: Math.ceil(at), before };
    case 'lt':
      return { since, before: Math.ceil(at) };
    case 'until':
      return { since, before: after };
    default:
      return undefined;
  }
}

/** Binary search: 20 entries are read of a million. */
function firstAtOrAfter(audit: AuditRepository, { from, to }: Part, at: Milliseconds): number {
  let [low, high] = [from, to + 1];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const timestamp = entryAt(audit, middle)[0]?.timestamp ?? Number.NEGATIVE_INFINITY;
    if (timestamp < at) low = middle + 1;
    else high = middle;
  }
  return low;
}
