/** Tables `sessions` and `sessions_by_user`; both change in one transaction. */

import type { Milliseconds } from '../time.js';
import { committed } from './commit.js';
import { checkKeyText, isKeyText } from './key.js';
import { leadingTexts } from './leading-texts.js';
import { rowFields } from './row-fields.js';
import type { SessionRecord, SessionRepository } from './sessions.js';
import type { OpenedTables } from './tables.js';

/** Rows removed in one transaction, so that nobody waits long for the write lock. */
const REMOVE_BATCH = 1000;

type SessionTables = Pick<OpenedTables, 'sessions' | 'sessionsByUser'>;

/** Inside of a transaction: ends all sessions of a user. */
export function dropSessions({ sessions, sessionsByUser }: SessionTables, username: string): void {
  for (const id of idsOf(sessionsByUser, username)) {
    if (readSession(sessions, id)?.username === username) sessions.remove(id);
    sessionsByUser.remove([username, id]);
  }
}

const readSession = (sessions: SessionTables['sessions'], id: number): SessionRecord | undefined => {
  const text = sessions.get(id);
  return text === undefined ? undefined : decodeSession(id, text);
};

function idsOf(sessionsByUser: SessionTables['sessionsByUser'], username: string): number[] {
  const range = {
    start: [username, 0] as [string, number],
    end: [username, Number.MAX_VALUE] as [string, number],
  };
  return [...sessionsByUser.getKeys(range)].map(([, id]) => id);
}

export function createSessionRepository(tables: SessionTables): SessionRepository {
  const { sessions, sessionsByUser } = tables;
  const read = (id: number): SessionRecord | undefined => readSession(sessions, id);
  const dropUser = (username: string): void => dropSessions(tables, username);

  const drop = (record: SessionRecord): void => {
    sessions.remove(record.id);
    sessionsByUser.remove([record.username, record.id]);
  };

  const save = (record: SessionRecord): void => {
    sessions.put(record.id, JSON.stringify(record));
    sessionsByUser.put([record.username, record.id], '');
  };

  /** Leaves room for one more of its kind, and for some to come. */
  const thin = ({ username, pending }: SessionRecord, most: number): void => {
    const ids = idsOf(sessionsByUser, username);
    if (ids.length < most) return;
    const others = ids.flatMap((id) => read(id) ?? []).filter((other) => other.pending === pending);
    if (others.length < most) return;
    others.sort((one, other) => one.lastAccessAt - other.lastAccessAt);
    const kept = most - Math.max(1, Math.floor(most / 10));
    for (const other of others.slice(0, others.length - kept)) drop(other);
  };

  return {
    get(id) {
      // A logout in another thread counts at once.
      sessions.resetReadTxn();
      return read(id);
    },

    async put(record, most = Number.POSITIVE_INFINITY) {
      checkKeyText(record.username);
      await committed(
        sessions.transaction(() => {
          if (most < Number.POSITIVE_INFINITY) thin(record, most);
          save(record);
        }),
      );
    },

    async touch(id, change) {
      const { expiresAt, lastAccessAt, userAgent, ipAddress } = change;
      let touched = false;
      await committed(
        sessions.transaction(() => {
          const record = read(id);
          touched = record !== undefined;
          if (record === undefined) return;
          // Uses of several threads may arrive in another order than they were made.
          const latest = lastAccessAt >= record.lastAccessAt ? { lastAccessAt, userAgent, ipAddress } : {};
          const end = Math.max(record.expiresAt, expiresAt);
          sessions.put(id, JSON.stringify({ ...record, ...latest, expiresAt: end }));
        }),
      );
      return touched;
    },

    async remove(id) {
      await committed(
        sessions.transaction(() => {
          const record = read(id);
          if (record === undefined) sessions.remove(id);
          else drop(record);
        }),
      );
    },

    async removeOf(username, id) {
      await committed(
        sessions.transaction(() => {
          const record = read(id);
          if (record?.username === username) drop(record);
        }),
      );
    },

    async removeUser(username) {
      if (!isKeyText(username)) return;
      await committed(sessions.transaction(() => dropUser(username)));
    },

    async removePending(username) {
      if (!isKeyText(username)) return;
      await committed(
        sessions.transaction(() => {
          for (const id of idsOf(sessionsByUser, username)) {
            const record = read(id);
            if (record?.pending === true) drop(record);
          }
        }),
      );
    },

    async renameUser(from, to) {
      checkKeyText(to);
      if (!isKeyText(from) || from === to) return;
      await committed(
        sessions.transaction(() => {
          const moved = idsOf(sessionsByUser, from).flatMap((id) => read(id) ?? []);
          dropUser(to);
          dropUser(from);
          for (const record of moved) save({ ...record, username: to });
        }),
      );
    },

    async removeExpired(now: Milliseconds) {
      let removed = 0;
      let next = 0;
      // Looked at again inside the transaction, because a use may have prolonged the session meanwhile.
      for (;;) {
        const expired = expiredFrom(next, now);
        const last = expired.at(-1);
        if (last === undefined) return removed;
        next = last + 1;
        await committed(
          sessions.transaction(() => {
            for (const id of expired) {
              const record = read(id);
              if (record === undefined) sessions.remove(id);
              else if (record.expiresAt < now) drop(record);
              else continue;
              removed++;
            }
          }),
        );
      }
    },

    usernames() {
      sessionsByUser.resetReadTxn();
      return leadingTexts(sessionsByUser);
    },

    *byUser(username) {
      if (!isKeyText(username)) return;
      sessions.resetReadTxn();
      for (const id of idsOf(sessionsByUser, username)) {
        const record = read(id);
        if (record !== undefined) yield record;
      }
    },
  };

  /** Ids from `start` on whose row has expired or is unreadable, at most a batch of them. */
  function expiredFrom(start: number, now: Milliseconds): number[] {
    sessions.resetReadTxn();
    const ids: number[] = [];
    for (const { key, value } of sessions.getRange({ start, snapshot: false })) {
      if ((decodeSession(key, value)?.expiresAt ?? 0) < now) ids.push(key);
      if (ids.length === REMOVE_BATCH) break;
    }
    return ids;
  }
}

/** `undefined` for a foreign row. */
function decodeSession(id: number, text: string): SessionRecord | undefined {
  const fields = rowFields(text);
  const record: SessionRecord = {
    id,
    tokenId: fields.text('tokenId'),
    username: fields.text('username'),
    // Rows of the first release know no renames.
    issuedTo: fields.text('issuedTo') || fields.text('username'),
    pending: fields.flag('pending'),
    expiresAt: fields.number('expiresAt'),
    lastAccessAt: fields.number('lastAccessAt'),
    userAgent: fields.text('userAgent'),
    ipAddress: fields.text('ipAddress'),
  };
  return fields.fits && fields.raw('id') === id && record.username !== '' ? record : undefined;
}
