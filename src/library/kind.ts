/** What differs between scripts and commands of the library. Spec 03 §3.6 and §10. */

import type { StoredColumns } from '../query/stored.js';
import type { CommandEntry, LibraryEntry, ScriptEntry, Stored } from './entry.js';

export interface LibraryKind<Entry extends LibraryEntry> {
  /** As messages name one. */
  readonly noun: 'script' | 'command';
  /** As `fields[…]` names them. */
  readonly resource: 'scripts' | 'commands';
  /** JSON key of what is run. */
  readonly textKey: 'script' | 'cmd';
  /** What lists can be sorted and filtered by; `textOf` reads what an entry runs. */
  columns(textOf: (entry: Entry) => string): StoredColumns<Entry>;
  /** What can be chosen with `fields[…]`. */
  readonly fields: readonly string[];
  /** All keys in order; what shows only when it is not empty is `undefined` then. */
  toJson(stored: Stored<Entry>): Readonly<Record<string, unknown>>;
}

const commonColumns = {
  id: { kind: 'text', read: ({ id }) => id },
  name: { kind: 'text', read: ({ name }) => name },
  created_by: { kind: 'text', read: ({ createdBy }) => createdBy },
  created_at: { kind: 'instant', read: ({ createdAt }) => createdAt },
  updated_by: { kind: 'text', read: ({ updatedBy }) => updatedBy },
  updated_at: { kind: 'instant', read: ({ updatedAt }) => updatedAt },
} satisfies StoredColumns<LibraryEntry>;

const tagsColumn = {
  tags: { kind: 'texts', read: ({ tags }) => tags },
} satisfies StoredColumns<LibraryEntry>;

const unlessEmpty = (text: string): string | undefined => (text === '' ? undefined : text);

const commonJson = (entry: LibraryEntry) => ({
  id: unlessEmpty(entry.id),
  name: unlessEmpty(entry.name),
  created_by: unlessEmpty(entry.createdBy),
  created_at: entry.createdAt,
  updated_by: unlessEmpty(entry.updatedBy),
  updated_at: entry.updatedAt,
});

const lastJson = ({ tags, timeoutSec }: LibraryEntry) => ({ tags, timeout_sec: timeoutSec });

export const scriptKind: LibraryKind<ScriptEntry> = {
  noun: 'script',
  resource: 'scripts',
  textKey: 'script',
  columns: (textOf) => ({
    ...commonColumns,
    interpreter: { kind: 'text', read: ({ interpreter }) => interpreter },
    is_sudo: { kind: 'number', read: ({ isSudo }) => isSudo },
    cwd: { kind: 'text', read: ({ cwd }) => cwd },
    script: { kind: 'text', read: textOf },
    ...tagsColumn,
  }),
  fields: [...Object.keys(commonColumns), 'interpreter', 'is_sudo', 'cwd', 'script', 'tags', 'timeout_sec'],
  toJson: ({ entry, text }) => ({
    ...commonJson(entry),
    interpreter: entry.interpreter,
    is_sudo: entry.isSudo,
    cwd: entry.cwd,
    script: unlessEmpty(text),
    ...lastJson(entry),
  }),
};

export const commandKind: LibraryKind<CommandEntry> = {
  noun: 'command',
  resource: 'commands',
  textKey: 'cmd',
  columns: (textOf) => ({ ...commonColumns, cmd: { kind: 'text', read: textOf }, ...tagsColumn }),
  // `timeout_sec` is shown, but cannot be chosen: a quirk that callers may count on.
  fields: [...Object.keys(commonColumns), 'cmd', 'tags'],
  toJson: ({ entry, text }) => ({ ...commonJson(entry), cmd: unlessEmpty(text), ...lastJson(entry) }),
};
