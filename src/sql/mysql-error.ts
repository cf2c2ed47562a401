import { SqlError, type SqlErrorKind } from './sql-error.js';

/** By number of the server's error. */
const kinds: ReadonlyMap<number, SqlErrorKind> = new Map([
  [1062, 'duplicate'],
  [1586, 'duplicate'],
  [1406, 'value'],
  [1366, 'value'],
  [3988, 'value'],
  [1146, 'missing_table'],
  [1054, 'missing_column'],
  // No right to read the column, so it is of no use.
  [1143, 'missing_column'],
  [1267, 'collation'],
  [1271, 'collation'],
  // Too many connections, of the server or of this user; lock wait time-out; deadlock.
  [1040, 'unavailable'],
  [1203, 'unavailable'],
  [1226, 'unavailable'],
  [1205, 'unavailable'],
  [1213, 'unavailable'],
]);

/**
 * Errors whose texts name servers, users, tables and columns only: no access, unknown database, missing tables and
 * columns, missing rights, too many connections, read-only server. Others may quote values.
 */
const harmless: ReadonlySet<number> = new Set([
  1040, 1044, 1045, 1046, 1049, 1054, 1130, 1142, 1143, 1146, 1203, 1205, 1213, 1226, 1267, 1290, 1698, 1836,
]);

const DEADLOCK = 1213;

interface MysqlFailure {
  readonly message: string;
  readonly code?: string;
  readonly errno?: number;
  readonly fatal?: boolean;
  readonly sqlState?: string;
}

/** What is left after a failure. */
export type MysqlState =
  /** The connection works; within a transaction, so does that. */
  | 'usable'
  /** The server has rolled the transaction back in favour of another one. */
  | 'deadlock'
  /** The connection had ended before the server could work on the statement, or while it did. */
  | 'lost'
  /** The server did not answer; the connection was given up. */
  | 'late';

export class MysqlError extends SqlError {
  constructor(
    kind: SqlErrorKind,
    message: string,
    readonly state: MysqlState,
  ) {
    super(kind, message);
  }
}

export const lateError = (message: string): MysqlError => new MysqlError('unavailable', message, 'late');

/** From what the driver throws. */
export function mysqlError(error: unknown): MysqlError {
  const failure: MysqlFailure = error instanceof Error ? error : { message: String(error) };
  const { message, code = '', errno = 0, sqlState } = failure;
  const state = stateAfter(failure);
  // What the server says has a state; everything else is trouble on the way to it.
  if (sqlState === undefined) return new MysqlError('unavailable', message === '' ? code : message, state);
  const kind = kinds.get(errno) ?? (state === 'lost' ? 'unavailable' : 'other');
  return new MysqlError(kind, harmless.has(errno) ? message : `error ${errno} (${code})`, state);
}

function stateAfter({ fatal, code = '', errno = 0 }: MysqlFailure): MysqlState {
  if (errno === DEADLOCK) return 'deadlock';
  // Shut down, killed, or idle for too long.
  const ended = [1053, 1927, 4031].includes(errno) || ['ECONNRESET', 'EPIPE'].includes(code);
  return fatal === true || ended || code === 'PROTOCOL_CONNECTION_LOST' ? 'lost' : 'usable';
}
