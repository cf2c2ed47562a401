/** Tables of the audit log. An entry, its index and the new head of the chain are one transaction. */

import { createHash } from 'node:crypto';
import { GENESIS, readEntry, sealEntry } from '../audit/chain.js';
import type { AuditArchive, AuditEntry, AuditHead, IndexedColumn } from '../audit/entry.js';
import type { AuditRepository } from './audit-log.js';
import { committed } from './commit.js';
import type { OpenedTables } from './tables.js';

const HEAD = 'head';
const ARCHIVE = 'archive';
const EMPTY_HEAD: AuditHead = { ...GENESIS, newest: 0, disorderAt: 0 };
const EMPTY_ARCHIVE: AuditArchive = {
  anchor: GENESIS,
  rotated: GENESIS,
  files: [],
  pending: null,
  deleting: [],
};

export function createAuditRepository({
  auditLog,
  auditLogBySubject: bySubject,
  auditState,
}: OpenedTables): AuditRepository {
  const stateOf = <State>(name: string, empty: State): State => {
    const text = auditState.get(name);
    // Written by this file only; a row that is damaged must not begin a new chain.
    return text === undefined ? empty : (JSON.parse(text) as State);
  };
  const subjectsOf = ({ username, clientId }: AuditEntry): readonly string[] => [
    ...(username === '' ? [] : [subject('username', username)]),
    ...(clientId === '' ? [] : [subject('client_id', clientId)]),
  ];

  return {
    async append(contents) {
      await committed(
        auditLog.transaction(() => {
          let head = stateOf(HEAD, EMPTY_HEAD);
          // After a rotation nothing is there that the next entry could be out of order with.
          if (head.seq === stateOf(ARCHIVE, EMPTY_ARCHIVE).rotated.seq) head = { ...head, newest: 0 };
          for (const content of contents) {
            const { timestamp } = content;
            const entry: AuditEntry = { ...content, seq: head.seq + 1 };
            const { line, link } = sealEntry(entry, head);
            auditLog.put(entry.seq, line);
            for (const one of subjectsOf(entry)) bySubject.put([one, entry.seq], '');
            head = {
              ...link,
              newest: Math.max(head.newest, timestamp),
              disorderAt: timestamp < head.newest ? entry.seq : head.disorderAt,
            };
          }
          auditState.put(HEAD, JSON.stringify(head));
        }),
      );
    },

    state() {
      // Another thread may have committed since this thread's read transaction began.
      auditState.resetReadTxn();
      return { head: stateOf(HEAD, EMPTY_HEAD), archive: stateOf(ARCHIVE, EMPTY_ARCHIVE) };
    },

    async saveArchive(archive) {
      await committed(auditState.put(ARCHIVE, JSON.stringify(archive)));
    },

    line: (seq) => auditLog.get(seq),

    lines({ from, to, reverse = false, limit }) {
      const range = reverse
        ? { start: to, end: from - 1, reverse, limit }
        : { start: from, end: to + 1, limit };
      return [...auditLog.getRange(range)].map(({ key, value }) => ({ seq: key, line: value }));
    },

    places(column, text, { from, to, reverse = false, limit }) {
      const key = subject(column, text);
      const at = (seq: number): [string, number] => [key, seq];
      const range = reverse
        ? { start: at(to), end: at(from - 1), reverse, limit }
        : { start: at(from), end: at(to + 1), limit };
      return [...bySubject.getKeys(range)].map(([, seq]) => seq);
    },

    async removeThrough(last, limit) {
      let removed = 0;
      await committed(
        auditLog.transaction(() => {
          removed = 0;
          for (const { key, value } of [...auditLog.getRange({ end: last + 1, limit })]) {
            const read = readEntry(value);
            for (const one of read === undefined ? [] : subjectsOf(read.entry)) bySubject.remove([one, key]);
            auditLog.remove(key);
            removed++;
          }
        }),
      );
      return removed;
    },
  };
}

/** Any text fits a key in this form, and none can be made to collide with another. */
const subject = (column: IndexedColumn, text: string): string =>
  `${column === 'username' ? 'u' : 'c'}${createHash('sha256').update(text).digest('base64url').slice(0, 24)}`;
