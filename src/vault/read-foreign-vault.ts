/** Reads the vault file of an rportd: its status, and its values as they are encrypted. Spec 03 §11.2 and §14. */

import type { SqlDatabase, SqlRow } from '../sql/database.js';
import { openSqlite } from '../sql/open-sqlite.js';
import { textOf, textOrNull } from '../sql/value.js';
import type { VaultRow } from '../store/vault.js';
import type { Clock } from '../time.js';
import { isValueType } from './check-input.js';
import type { VaultEntry } from './entry.js';
import { foreignInstant } from './foreign-instant.js';
import { LARGEST_VALUE, LONGEST_TEXT, MOST_VALUES } from './limits.js';
import { importedSeal, SEAL_BYTES } from './seal.js';
import type { ImportedVault } from './status.js';

/** Of the schema of that file. */
const KNOWN_VERSION = 1;
const ROWS_AT_ONCE = 500;
/** A name of a user; the column has no bound. */
const LONGEST_NAME = 512;

export interface ForeignVault {
  readonly status: ImportedVault;
  readonly rows: readonly VaultRow[];
  /** Above every id that was ever given. */
  readonly nextId: number;
}

/** Rejects with `Error` whose text is for the operator: there is no vault in it, or one that does not fit here. */
export async function readForeignVault(path: string, clock: Clock): Promise<ForeignVault> {
  const database = openSqlite({ path, clock });
  try {
    await assertVersion(database);
    const status = await readStatus(database);
    const rows = await readRows(database);
    const [sequence] = await database.rows("SELECT seq FROM sqlite_sequence WHERE name = 'values'");
    const lastId = Math.max(rows.at(-1)?.entry.id ?? 0, integerOf(sequence?.[0] ?? 0, 'sqlite_sequence'));
    return { status, rows, nextId: lastId + 1 };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`Could not read the vault of ${path}: ${reason}`, { cause: error });
  } finally {
    await database.close();
  }
}

async function assertVersion(database: SqlDatabase): Promise<void> {
  const [row] = await database.rows('SELECT version, dirty FROM schema_migrations');
  if (row === undefined) throw new Error('it has no version');
  const [version, dirty] = row;
  if (!['0', 'false'].includes(textOf(dirty).toLowerCase())) throw new Error('its last migration has failed');
  if (Number(version) !== KNOWN_VERSION) throw new Error(`it has the unknown version ${textOf(version)}`);
}

async function readStatus(database: SqlDatabase): Promise<ImportedVault> {
  const [row] = await database.rows('SELECT db_status, enc_check FROM status ORDER BY id DESC LIMIT 1');
  const check = textOf(row?.[1]);
  if (row === undefined || textOf(row[0]) !== 'setup-completed' || check === '') {
    throw new Error('it is not initialized');
  }
  return { format: 'rportd', check };
}

async function readRows(database: SqlDatabase): Promise<readonly VaultRow[]> {
  const rows: VaultRow[] = [];
  for (;;) {
    const page = await database.rows(
      'SELECT id, client_id, required_group, created_at, created_by, updated_at, updated_by, "key", type, value ' +
        'FROM "values" WHERE id > ? ORDER BY id LIMIT ?',
      [rows.at(-1)?.entry.id ?? 0, ROWS_AT_ONCE],
    );
    rows.push(...page.map(readRow));
    if (rows.length > MOST_VALUES) throw new Error(`it has more than ${MOST_VALUES} values`);
    if (page.length < ROWS_AT_ONCE) return rows;
  }
}

function readRow(row: SqlRow): VaultRow {
  const [id, client, group, createdAt, createdBy, updatedAt, updatedBy, key, type, value] = row;
  const entry: VaultEntry = {
    id: integerOf(id, 'id'),
    clientId: textOf(client),
    requiredGroup: textOf(group),
    key: textOf(key),
    type: textOf(type),
    createdAt: foreignInstant(textOf(createdAt)),
    createdBy: textOf(createdBy),
    updatedAt: foreignInstant(textOf(updatedAt)),
    updatedBy: textOrNull(updatedBy),
  };
  const sealed = importedSeal(textOf(value));
  const texts = [entry.clientId, entry.requiredGroup, entry.key];
  const names = [entry.createdBy, entry.updatedBy ?? ''];
  if (texts.some((text) => Buffer.byteLength(text) > LONGEST_TEXT)) {
    throw new Error(`value ${entry.id} has a key, client id or group of more than ${LONGEST_TEXT} bytes`);
  }
  if (names.some((name) => Buffer.byteLength(name) > LONGEST_NAME)) {
    throw new Error(`value ${entry.id} has a user name of more than ${LONGEST_NAME} bytes`);
  }
  if (!isValueType(entry.type)) throw new Error(`value ${entry.id} is of an unknown type`);
  if (sealed.length > LARGEST_VALUE + SEAL_BYTES) {
    throw new Error(`value ${entry.id} has more than ${LARGEST_VALUE} bytes`);
  }
  return { entry, sealed };
}

function integerOf(value: unknown, what: string): number {
  const number = Number(value);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  throw new Error(`${what} is out of range`);
}
