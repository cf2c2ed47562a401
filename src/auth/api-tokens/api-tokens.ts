/** Personal API tokens of users. Spec 02 §10. */

import { AppError } from '../../errors.js';
import type { ApiTokenRecord } from '../../store/api-tokens.js';
import type { Store } from '../../store/store.js';
import type { Clock, Milliseconds } from '../../time.js';
import { ADMINISTRATORS, type Principal } from '../principal.js';
import { hashTokenSecret, matchesTokenHash } from './token-hash.js';
import { isTokenScope } from './token-scope.js';
import { newTokenText, PREFIX_LENGTH, splitTokenText } from './token-text.js';

export interface NewApiToken {
  readonly name: string;
  readonly scope: string;
  /** `null`: in a year. */
  readonly expiresAt: Milliseconds | null;
}

/** An empty name and `null` leave what there is. */
export interface ApiTokenChange {
  readonly name: string;
  readonly expiresAt: Milliseconds | null;
}

export interface ApiTokens {
  /** Sorted by prefix. */
  list(username: string): readonly ApiTokenRecord[];
  /** `clear` is shown once and stored nowhere. Throws `AppError` 400. Resolves when it would survive a power loss. */
  create(
    owner: Pick<Principal, 'username' | 'admin'>,
    wanted: NewApiToken,
  ): Promise<{ readonly token: ApiTokenRecord; readonly clear: string }>;
  /** Throws `AppError` 400, 404. Resolves like `create`. */
  change(username: string, prefix: string, change: ApiTokenChange): Promise<void>;
  /** Throws `AppError` 400, 404. Resolves like `create`. */
  remove(username: string, prefix: string): Promise<void>;
  /**
   * The token that `text` is. `wrong`: the user has a token of this prefix with another secret; `undefined`: it is
   * no token of this user. Says nothing about its end.
   */
  find(username: string, text: string): ApiTokenRecord | 'wrong' | undefined;
}

/** Tokens of one user; a list of them is read and shown in one go. */
const MOST_TOKENS = 1000;
/** Bytes. */
const LONGEST_NAME = 249;

export function createApiTokens(
  { apiTokens, flushed }: Pick<Store, 'apiTokens' | 'flushed'>,
  clock: Clock,
  /** Ends what an earlier holder of the name has left. */
  settleName: (username: string) => Promise<unknown>,
): ApiTokens {
  return {
    list: (username) => apiTokens.byUser(username),

    async create({ username, admin }, { name, scope, expiresAt }) {
      if (!isTokenScope(scope)) throw badRequest('missing or invalid scope.');
      checkName(name);
      if (scope === 'clients-auth' && !admin) {
        throw badRequest(
          `current user should belong to ${ADMINISTRATORS} group to create a token with this scope`,
        );
      }
      await settleName(username);
      const createdAt = Math.floor(clock.now() / 1000) * 1000;
      const end = expiresAt ?? inAYear(createdAt);
      for (;;) {
        const { prefix, secret } = newTokenText();
        const hash = hashTokenSecret(secret);
        const token: ApiTokenRecord = { username, prefix, name, scope, createdAt, expiresAt: end, hash };
        switch (await apiTokens.add(token, MOST_TOKENS)) {
          case 'added':
            await flushed();
            return { token, clear: `${prefix}_${secret}` };
          case 'name_taken':
            throw nameTaken();
          case 'too_many':
            throw badRequest(`a user can have ${MOST_TOKENS} tokens at most`);
          case 'prefix_taken':
        }
      }
    },

    async change(username, prefix, { name, expiresAt }) {
      checkPrefix(prefix);
      if (name !== '') checkName(name);
      const outcome = await apiTokens.change(username, prefix, {
        ...(name === '' ? {} : { name }),
        ...(expiresAt === null ? {} : { expiresAt }),
      });
      if (outcome === 'missing') throw unknownToken(prefix);
      if (outcome === 'name_taken') throw nameTaken();
      await flushed();
    },

    async remove(username, prefix) {
      checkPrefix(prefix);
      if (!(await apiTokens.remove(username, prefix))) throw unknownToken(prefix);
      await flushed();
    },

    find(username, text) {
      const given = splitTokenText(text);
      const token = given && apiTokens.get(username, given.prefix);
      if (given === undefined || token === undefined) return undefined;
      return matchesTokenHash(given.secret, token.hash) ? token : 'wrong';
    },
  };
}

function checkPrefix(prefix: string): void {
  if (Buffer.byteLength(prefix) !== PREFIX_LENGTH) throw badRequest('missing or invalid token prefix.');
}

function checkName(name: string): void {
  if (name !== '' && Buffer.byteLength(name) <= LONGEST_NAME) return;
  throw badRequest('missing or invalid name.', 'field name is required, 250 characters max');
}

const badRequest = (title: string, detail = ''): AppError => new AppError('bad_request', { title, detail });
const nameTaken = (): AppError => badRequest('A token with the same name already exists');
const unknownToken = (prefix: string): AppError =>
  new AppError('not_found', { title: `cannot find API Token by prefix ${prefix}` });

/** The same day of the next year; the first of March for the 29th of February. */
function inAYear(at: Milliseconds): Milliseconds {
  const date = new Date(at);
  date.setUTCFullYear(date.getUTCFullYear() + 1);
  return date.getTime();
}
