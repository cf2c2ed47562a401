/** Changes of the library, and what is read of it. Spec 03 §10. */

import { randomUUID } from 'node:crypto';
import { AppError, AppErrorList } from '../errors.js';
import type { ListOptions } from '../query/types.js';
import type { LibraryRepository } from '../store/library.js';
import type { Store } from '../store/store.js';
import { type Clock, instant } from '../time.js';
import type { CommandEntry, LibraryEntry, ScriptEntry, Stored } from './entry.js';
import { commandKind, type LibraryKind, scriptKind } from './kind.js';
import { LibraryList } from './library-list.js';

/** Keys of an entry that nobody gives. */
type Kept = 'id' | 'createdBy' | 'createdAt' | 'updatedBy' | 'updatedAt';

/** What a caller gives for one entry. */
export interface LibraryInput<Entry extends LibraryEntry> {
  readonly given: Omit<Entry, Kept>;
  readonly text: string;
}

/** Changes resolve when they would survive a power loss; every thread sees them by then. */
export interface Shelf<Entry extends LibraryEntry> {
  readonly kind: LibraryKind<Entry>;
  /** Like `LibraryList.page`. */
  list(
    options: ListOptions,
    fields: readonly string[] | undefined,
  ): Promise<{ readonly items: readonly Stored<Entry>[]; readonly count: number }>;
  /** Throws `AppError` 404. */
  show(id: string): Stored<Entry>;
  /** Throws 400 with all that is missing, 409 when the name is taken. */
  add(input: LibraryInput<Entry>, by: string): Promise<Stored<Entry>>;
  /** Replaces all that is given; throws as `add` does, and 404. */
  replace(id: string, input: LibraryInput<Entry>, by: string): Promise<Stored<Entry>>;
  /** Throws `AppError` 404. */
  remove(id: string): Promise<void>;
}

export interface Library {
  readonly scripts: Shelf<ScriptEntry>;
  readonly commands: Shelf<CommandEntry>;
}

type LibraryStore = Pick<Store, 'libraryScripts' | 'libraryCommands' | 'flushed'>;

/** One per thread. */
export function openLibrary(store: LibraryStore, clock: Clock): Library {
  const flushed = (): Promise<void> => store.flushed();
  return {
    scripts: openShelf(store.libraryScripts, scriptKind, flushed, clock),
    commands: openShelf(store.libraryCommands, commandKind, flushed, clock),
  };
}

function openShelf<Entry extends LibraryEntry>(
  repository: LibraryRepository<Entry>,
  kind: LibraryKind<Entry>,
  flushed: () => Promise<void>,
  clock: Clock,
): Shelf<Entry> {
  const pages = new LibraryList(repository, kind);

  const check = ({ given, text }: LibraryInput<Entry>): void => {
    const missing = [...(given.name === '' ? ['name'] : []), ...(text === '' ? [kind.textKey] : [])];
    const [first, ...others] = missing.map(
      (key) => new AppError('bad_request', { title: `${key} is required` }),
    );
    if (first !== undefined) throw new AppErrorList([first, ...others]);
  };
  const nameTaken = (name: string): AppError =>
    new AppError('conflict', { title: `another ${kind.noun} with the same name '${name}' exists` });

  return {
    kind,
    list: (options, fields) => pages.page(options, fields),

    show(id) {
      const stored = repository.get(id);
      if (stored !== undefined) return stored;
      throw new AppError('not_found', { title: `Cannot find a ${kind.noun} by the provided id: ${id}` });
    },

    async add(input, by) {
      check(input);
      const now = instant(clock.now());
      const kept = { id: randomUUID(), createdBy: by, createdAt: now, updatedBy: by, updatedAt: now };
      const stored = { entry: complete<Entry>(input.given, kept), text: input.text };
      if (!(await repository.add(stored))) throw nameTaken(input.given.name);
      await flushed();
      return stored;
    },

    async replace(id, input, by) {
      check(input);
      const updatedAt = instant(clock.now());
      const changed = await repository.change(id, ({ createdBy, createdAt }) => ({
        entry: complete<Entry>(input.given, { id, createdBy, createdAt, updatedBy: by, updatedAt }),
        text: input.text,
      }));
      switch (changed.result) {
        case 'unknown':
          throw new AppError('not_found', { title: 'cannot find entry by the provided ID' });
        case 'name_taken':
          throw nameTaken(input.given.name);
        case 'changed':
          await flushed();
          return changed.stored;
      }
    },

    async remove(id) {
      if (!(await repository.remove(id))) {
        throw new AppError('not_found', { title: 'cannot find this entry by the provided id' });
      }
      await flushed();
    },
  };
}

/** TypeScript does not see that a generic type is whole again when both parts are together. */
const complete = <Entry extends LibraryEntry>(
  given: Omit<Entry, Kept>,
  kept: Pick<LibraryEntry, Kept>,
): Entry => ({ ...given, ...kept }) as unknown as Entry;
