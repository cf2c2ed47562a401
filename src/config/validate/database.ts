/** Rules of `[database]`, and of the tables other sections name in it. Spec 02 §18.3, 07 §2.4. */

import { quoteName, quotePath } from '../../sql/identifier.js';
import { parseMysqlAddress } from '../../sql/mysql-address.js';
import type { DecodedConfig } from '../keys.js';
import type { DatabaseConfig } from '../types.js';
import { prefixed } from './server.js';

/** @throws Error with the reason */
export function checkDatabase({ database, server, api }: DecodedConfig): DatabaseConfig {
  const { dbType, dbHost, dbName } = database;
  if (dbType !== '' && dbType !== 'mysql' && dbType !== 'sqlite') {
    throw new Error(`invalid 'db_type', expected 'mysql' or 'sqlite', got ${JSON.stringify(dbType)}`);
  }
  const usesUsers = api.address !== '' && api.authUserTable !== '';
  const usesAgents = server.authTable !== '';
  if (usesUsers || usesAgents) {
    if (dbName === '') throw new Error("'db_name' must be set when tables of a database are used");
    if (dbType === 'mysql') parseMysqlAddress(dbHost);
  }
  // The reference takes this one as it is, so it may name the database, too.
  if (usesAgents) prefixed("invalid 'auth_table'", () => quotePath(server.authTable));
  if (usesUsers) {
    prefixed("invalid 'auth_user_table'", () => quoteName(api.authUserTable));
    prefixed("invalid 'auth_group_table'", () => quoteName(api.authGroupTable));
    if (api.authGroupDetailsTable !== '') {
      prefixed("invalid 'auth_group_details_table'", () => quoteName(api.authGroupDetailsTable));
    }
  }
  return { ...database, dbType };
}
