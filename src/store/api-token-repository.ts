/** Table `api_tokens`. What depends on the other tokens of a user is decided inside the transaction. */

import type { ApiTokenRecord, ApiTokenRepository } from './api-tokens.js';
import { committed } from './commit.js';
import { checkKeyText, isKeyText } from './key.js';
import { leadingTexts } from './leading-texts.js';
import { rowFields } from './row-fields.js';
import type { OpenedTables } from './tables.js';

/** Sorts behind every prefix a token can have. */
const LAST = '\u{10ffff}';

const rangeOf = (username: string) => ({
  start: [username, ''] as [string, string],
  end: [username, LAST] as [string, string],
});

/** Inside of a transaction: removes all tokens of a user. */
export function dropApiTokens({ apiTokens }: Pick<OpenedTables, 'apiTokens'>, username: string): void {
  for (const key of [...apiTokens.getKeys(rangeOf(username))]) apiTokens.remove(key);
}

export function createApiTokenRepository({ apiTokens }: OpenedTables): ApiTokenRepository {
  const read = (username: string, prefix: string): ApiTokenRecord | undefined => {
    const text = apiTokens.get([username, prefix]);
    return text === undefined ? undefined : decodeApiToken(username, prefix, text);
  };

  const rows = function* (username: string): Generator<ApiTokenRecord> {
    for (const { key, value } of apiTokens.getRange(rangeOf(username))) {
      const record = decodeApiToken(key[0], key[1], value);
      if (record !== undefined) yield record;
    }
  };

  const save = (record: ApiTokenRecord): void => {
    apiTokens.put([record.username, record.prefix], JSON.stringify(record));
  };

  const drop = (username: string): void => dropApiTokens({ apiTokens }, username);

  return {
    get(username, prefix) {
      if (!isKeyText(username) || !isKeyText(prefix)) return undefined;
      // A deletion in another thread counts at once.
      apiTokens.resetReadTxn();
      return read(username, prefix);
    },

    byUser(username) {
      if (!isKeyText(username)) return [];
      apiTokens.resetReadTxn();
      return [...rows(username)];
    },

    async add(record, most) {
      checkKeyText(record.username);
      checkKeyText(record.prefix);
      let outcome: Awaited<ReturnType<ApiTokenRepository['add']>> = 'added';
      await committed(
        apiTokens.transaction(() => {
          const others = [...rows(record.username)];
          if (others.some(({ prefix }) => prefix === record.prefix)) outcome = 'prefix_taken';
          else if (others.some(({ name }) => name === record.name)) outcome = 'name_taken';
          else if (others.length >= most) outcome = 'too_many';
          else save(record);
        }),
      );
      return outcome;
    },

    async change(username, prefix, change) {
      if (!isKeyText(username) || !isKeyText(prefix)) return 'missing';
      let outcome: Awaited<ReturnType<ApiTokenRepository['change']>> = 'changed';
      await committed(
        apiTokens.transaction(() => {
          const record = read(username, prefix);
          const taken = ({ name, prefix: other }: ApiTokenRecord): boolean =>
            name === change.name && other !== prefix;
          if (record === undefined) outcome = 'missing';
          else if ([...rows(username)].some(taken)) outcome = 'name_taken';
          else save({ ...record, ...change });
        }),
      );
      return outcome;
    },

    async remove(username, prefix) {
      if (!isKeyText(username) || !isKeyText(prefix)) return false;
      let found = false;
      await committed(
        apiTokens.transaction(() => {
          found = apiTokens.get([username, prefix]) !== undefined;
          if (found) apiTokens.remove([username, prefix]);
        }),
      );
      return found;
    },

    usernames() {
      apiTokens.resetReadTxn();
      return leadingTexts(apiTokens);
    },

    async removeUser(username) {
      if (!isKeyText(username)) return;
      await committed(apiTokens.transaction(() => drop(username)));
    },

    async renameUser(from, to) {
      checkKeyText(to);
      if (!isKeyText(from) || from === to) return;
      await committed(
        apiTokens.transaction(() => {
          const moved = [...rows(from)];
          drop(to);
          drop(from);
          for (const record of moved) save({ ...record, username: to });
        }),
      );
    },
  };
}

/** `undefined` for a foreign row. */
function decodeApiToken(username: string, prefix: string, text: string): ApiTokenRecord | undefined {
  const fields = rowFields(text);
  const record: ApiTokenRecord = {
    username,
    prefix,
    name: fields.text('name'),
    scope: fields.text('scope'),
    createdAt: fields.number('createdAt'),
    expiresAt: fields.raw('expiresAt') === null ? null : fields.number('expiresAt'),
    hash: fields.text('hash'),
  };
  return fields.fits && record.hash !== '' ? record : undefined;
}
