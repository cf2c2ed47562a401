import { SqlError, type SqlErrorKind } from './sql-error.js';

interface SqliteFailure {
  readonly message: string;
  /** Extended result code; absent on errors while rows are read. */
  readonly errcode?: number;
}

const BUSY = 5;
const LOCKED = 6;
const UNIQUE = 2067;
const PRIMARY_KEY = 1555;
const ROW_ID = 2579;
const PRIMARY_CODE = 0xff;

/** Texts that name tables, columns and files only. Others may quote statements. */
const harmless =
  /^(?:no such (?:table|column)|UNIQUE constraint failed|NOT NULL constraint failed|CHECK constraint failed|database |unable to open|attempt to write|disk I\/O error|file is not a database|no such file)/;

const failureOf = (error: unknown): SqliteFailure =>
  error instanceof Error ? error : { message: String(error) };

/** Another connection holds the file; it may be free in a moment. */
export function isBusy(error: unknown): boolean {
  const { message, errcode } = failureOf(error);
  if (errcode === undefined) return /^database (?:table |schema )?is locked/.test(message);
  return [BUSY, LOCKED].includes(errcode & PRIMARY_CODE);
}

export function sqliteError(error: unknown): SqlError {
  if (error instanceof SqlError) return error;
  const { message, errcode = 0 } = failureOf(error);
  const text = harmless.test(message) ? message : `error ${errcode}`;
  return new SqlError(kindOf(message, errcode, isBusy(error)), text);
}

function kindOf(message: string, errcode: number, busy: boolean): SqlErrorKind {
  if (busy) return 'unavailable';
  if ([UNIQUE, PRIMARY_KEY, ROW_ID].includes(errcode)) return 'duplicate';
  if (message.startsWith('CHECK constraint failed')) return 'value';
  if (message.startsWith('no such table')) return 'missing_table';
  if (message.startsWith('no such column')) return 'missing_column';
  if (/^(?:unable to open|database is closed)/.test(message)) return 'unavailable';
  return 'other';
}
