/** Lists of jobs as the API shows them. Spec 04 §7.6 and §9.5. */

import { AppError } from '../errors.js';
import { listStored, type StoredColumn, type StoredColumns } from '../query/stored.js';
import type { Filter, ListOptions, ListSupport } from '../query/types.js';
import type { JobEntry, JobRange } from '../store/jobs.js';
import { type JobRow, type OutputName, outputNames } from './job.js';
import { type JobField, type JobSelection, type JobTexts, jobFields, listedJobJson } from './job-json.js';

const times = (name: string): string[] =>
  ['gt', 'lt', 'since', 'until'].map((operator) => `${name}[${operator}]`);

export const jobListSupport: ListSupport = {
  sorts: ['jid', 'started_at', 'finished_at', 'status', 'multi_job_id', 'schedule_id', 'created_by'],
  filters: [
    'jid',
    'status',
    'created_by',
    'multi_job_id',
    'schedule_id',
    'client_id',
    ...times('started_at'),
    ...times('finished_at'),
  ],
  fields: { jobs: jobFields, commands: jobFields, scripts: jobFields, result: outputNames },
  page: { defaultLimit: 100, maxLimit: 1000 },
};

const columns = {
  jid: { kind: 'text', read: ({ jid }) => jid },
  status: { kind: 'text', read: ({ status }) => status },
  created_by: { kind: 'text', read: ({ createdBy }) => createdBy },
  multi_job_id: { kind: 'text', read: ({ multiJobId }) => multiJobId },
  schedule_id: { kind: 'text', read: ({ scheduleId }) => scheduleId },
  client_id: { kind: 'text', read: ({ clientId }) => clientId },
  started_at: { kind: 'instant', read: ({ startedAt }) => startedAt },
  finished_at: { kind: 'instant', read: ({ finishedAt }) => finishedAt },
} as const satisfies StoredColumns<JobRow>;

type JobColumn = keyof typeof columns;

/** The same without reading more than needed. */
const entryColumns: StoredColumns<JobEntry> = {
  ...Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, ofEntry(column)])),
  jid: { kind: 'text', read: ({ jid }) => jid },
  status: { kind: 'text', read: ({ status }) => status },
};

function ofEntry({ kind, read }: (typeof columns)[JobColumn]): StoredColumn<JobEntry> {
  return {
    kind,
    read(entry) {
      const row = entry.row();
      return row === undefined ? null : read(row);
    },
  };
}

const shows = (entry: JobEntry, isVisible: (row: JobRow) => boolean): boolean => {
  const row = entry.row();
  return row !== undefined && isVisible(row);
};

/** Bytes of long texts in one answer. */
export const MOST_TEXT_BYTES = 32 * 1024 * 1024;
/** Rows made into JSON before others have their turn. */
const ROWS_PER_TURN = 100;
/** Matches every row: makes a list whose rows are hidden in part look at each instead of counting keys. */
const ANY: Filter = { columns: ['jid'], operator: '', values: ['*'], combine: 'or' };

export interface JobPage {
  /** JSON text of an array. */
  readonly items: string;
  readonly count: number;
}

/**
 * One page, in pieces that end at each `yield`. `isVisible`: `null` when all rows are. Throws `AppError` 400 for a value
 * that cannot be compared, and for a page with too much output.
 */
export function* listJobs(
  range: JobRange,
  texts: JobTexts,
  options: ListOptions,
  isVisible: ((row: JobRow) => boolean) | null,
): Generator<void, JobPage> {
  const table = {
    columns: entryColumns,
    *scan(part: { readonly offset?: number; readonly limit?: number }): Iterable<JobEntry> {
      for (const entry of range.entries(part)) if (isVisible === null || shows(entry, isVisible)) yield entry;
    },
    count: () => range.count(),
  };
  const filters = isVisible === null ? options.filters : [...options.filters, ANY];
  const { items: entries, count } = yield* listStored(table, { ...options, filters });
  // Not what was removed, or went on, since it was looked at.
  const items = entries.flatMap((entry) => {
    const row = entry.row();
    return row?.status === entry.status ? [row] : [];
  });
  const selection = selectionOf(options.fields);
  if (textBytes(items, selection) > MOST_TEXT_BYTES) {
    throw new AppError('bad_request', {
      title: 'too much output in one answer',
      detail: 'ask for fewer jobs (page[limit]), for other fields[result], or for single jobs',
    });
  }
  const parts: string[] = [];
  for (const row of items) {
    parts.push(listedJobJson(row, selection, texts));
    if (parts.length % ROWS_PER_TURN === 0) yield;
  }
  return { items: `[${parts.join(',')}]`, count };
}

/** The newest starts, then by id. Spec 04 §3.3. */
export function* newestJobs(
  range: JobRange,
  limit: number,
  isVisible: ((row: JobRow) => boolean) | null,
): Generator<void, readonly JobRow[]> {
  const table = {
    columns,
    *scan(): Iterable<JobRow> {
      for (const row of range.scan({})) if (isVisible === null || isVisible(row)) yield row;
    },
    count: () => range.count(),
  };
  const sorts = [
    { column: 'started_at', descending: true },
    { column: 'jid', descending: false },
  ];
  return (yield* listStored(table, { sorts, filters: [], offset: 0, limit })).items;
}

/** The three names of the resource are one. Any `fields[…]` replaces all defaults. */
export function selectionOf(fields: ListOptions['fields']): JobSelection {
  if (Object.keys(fields).length === 0) {
    return { job: ['jid', 'status', 'finished_at'], result: ['summary'] };
  }
  const asked = fields.jobs ?? fields.commands ?? fields.scripts ?? [];
  return {
    job: [...new Set(asked)] as readonly JobField[],
    result: [...new Set(fields.result ?? [])] as readonly OutputName[],
  };
}

/** Bytes of the outputs that are kept apart. */
export const outputBytes = ({ output }: JobRow, names: readonly OutputName[]): number =>
  names.reduce((sum, name) => sum + (typeof output?.[name] === 'number' ? output[name] : 0), 0);

const textBytes = (rows: readonly JobRow[], { result }: JobSelection): number =>
  rows.reduce((sum, row) => sum + outputBytes(row, result), 0);
