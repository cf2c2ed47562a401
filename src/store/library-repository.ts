/**
 * Tables of the library: scripts or commands, as `kind` says. The text of an entry is a row of its own, so that lists
 * read no more than they show. Rows are in the order of creation; an index leads from an id to its row, and one from
 * a name to its id, so that no two entries ever have the same.
 */

import { createHash } from 'node:crypto';
import type { LibraryEntry, Stored } from '../library/entry.js';
import type { Logger } from '../logging/logger.js';
import type { Milliseconds } from '../time.js';
import { committed } from './commit.js';
import { isKeyText } from './key.js';
import type { LibraryChanged, LibraryRepository, LibraryRow } from './library.js';
import type { OpenedTables } from './tables.js';

export type LibraryKind = 'script' | 'command';

/** Written and read as JSON; `undefined` for a row that is not wholly an entry. */
export interface EntryCodec<Entry> {
  encode(entry: Entry): string;
  decode(text: string): Entry | undefined;
}

/** Changes whose order is remembered: a list reads that many rows one by one about as fast as all of 10,000. */
const CHANGES_KEPT = 1_000;
/** In keys, numbers come before texts, and no text is behind this one. */
const BEHIND_ALL = '\uffff';

export function createLibraryRepository<Entry extends LibraryEntry>(
  tables: OpenedTables,
  kind: LibraryKind,
  codec: EntryCodec<Entry>,
  log: Logger,
): LibraryRepository<Entry> {
  const { libraryRows, libraryPlaces, libraryNames, libraryTexts, libraryChanges, settings } = tables;
  const versionKey = `library_${kind}_version`;

  const decode = (id: string, json: string): Entry | undefined => {
    const entry = codec.decode(json);
    if (entry?.id === id) return entry;
    log.error(`library ${kind} ${JSON.stringify(id)}: the row is unreadable, skipped`);
    return undefined;
  };
  const version = (): number => Number(settings.get(versionKey) ?? 0);
  const read = (id: string): Entry | undefined => {
    const place = libraryPlaces.get([kind, id]);
    const json = place === undefined ? undefined : libraryRows.get([kind, place, id]);
    return json === undefined ? undefined : decode(id, json);
  };
  const noteChange = (id: string): void => {
    const next = version() + 1;
    settings.put(versionKey, String(next));
    libraryChanges.put([kind, next], id);
    libraryChanges.remove([kind, next - CHANGES_KEPT]);
  };
  const write = ({ entry, text }: Stored<Entry>, place: Milliseconds): void => {
    libraryRows.put([kind, place, entry.id], codec.encode(entry));
    libraryPlaces.put([kind, entry.id], place);
    libraryNames.put([kind, nameKey(entry.name)], entry.id);
    libraryTexts.put([kind, entry.id], text);
    noteChange(entry.id);
  };
  /** It decides before it writes: a throw would not undo what it wrote. */
  const transaction = async <Result>(work: () => Result, otherwise: Result): Promise<Result> => {
    let result = otherwise;
    await committed(
      libraryRows.transaction(() => {
        result = work();
      }),
    );
    return result;
  };

  return {
    version() {
      libraryRows.resetReadTxn();
      return version();
    },

    changesSince(known) {
      libraryRows.resetReadTxn();
      const newest = version();
      if (known > newest || newest - known > CHANGES_KEPT) return null;
      const changes = new Map<string, Entry | undefined>();
      for (const { value: id } of libraryChanges.getRange({
        start: [kind, known + 1],
        end: [kind, newest + 1],
      })) {
        changes.set(id, undefined);
      }
      for (const id of changes.keys()) changes.set(id, read(id));
      return changes;
    },

    count() {
      libraryRows.resetReadTxn();
      return libraryPlaces.getKeysCount({ start: [kind], end: [kind, BEHIND_ALL] });
    },

    get(id) {
      if (!isKeyText(id)) return undefined;
      libraryRows.resetReadTxn();
      const entry = read(id);
      return entry === undefined ? undefined : { entry, text: libraryTexts.get([kind, id]) ?? '' };
    },

    text(id) {
      libraryRows.resetReadTxn();
      return libraryTexts.get([kind, id]);
    },

    chunk({ reverse, after, offset = 0, limit }) {
      libraryRows.resetReadTxn();
      const [first, last] = [[kind], [kind, BEHIND_ALL]];
      const from = after === undefined ? (reverse ? last : first) : [kind, after.place, after.id];
      const rows: LibraryRow<Entry>[] = [];
      for (const { key, value } of libraryRows.getRange({
        start: from,
        end: reverse ? first : last,
        reverse,
        offset,
        limit,
        exclusiveStart: after !== undefined,
      })) {
        const [, place, id] = key as [string, number, string];
        const entry = decode(id, value);
        rows.push({ place, id, entry, bytes: value.length });
      }
      return rows;
    },

    add: (stored) =>
      transaction(() => {
        if (libraryNames.get([kind, nameKey(stored.entry.name)]) !== undefined) return false;
        write(stored, Date.parse(stored.entry.createdAt));
        return true;
      }, false),

    change(id, change) {
      if (!isKeyText(id)) return Promise.resolve({ result: 'unknown' });
      return transaction(
        (): LibraryChanged<Entry> => {
          const place = libraryPlaces.get([kind, id]);
          const old = read(id);
          if (old === undefined || place === undefined) return { result: 'unknown' };
          const next = change(old);
          const owner = libraryNames.get([kind, nameKey(next.entry.name)]);
          if (owner !== undefined && owner !== id) return { result: 'name_taken' };
          if (owner === undefined) libraryNames.remove([kind, nameKey(old.name)]);
          write(next, place);
          return { result: 'changed', stored: next };
        },
        { result: 'unknown' },
      );
    },

    remove(id) {
      if (!isKeyText(id)) return Promise.resolve(false);
      return transaction(() => {
        const place = libraryPlaces.get([kind, id]);
        if (place === undefined) return false;
        const old = read(id);
        if (old !== undefined) libraryNames.remove([kind, nameKey(old.name)]);
        libraryRows.remove([kind, place, id]);
        libraryPlaces.remove([kind, id]);
        libraryTexts.remove([kind, id]);
        noteChange(id);
        return true;
      }, false);
    },
  };
}

/** Names have any length and any characters; keys do not. */
const nameKey = (name: string): string => createHash('sha256').update(name).digest('base64');
