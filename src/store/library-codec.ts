/** Rows of the library as JSON text. */

import type { CommandEntry, ScriptEntry } from '../library/entry.js';
import type { EntryCodec } from './library-repository.js';
import { rowFields } from './row-fields.js';

// Both are written out: objects made by spreading are several times as slow to read, and lists read thousands.

export const scriptCodec: EntryCodec<ScriptEntry> = {
  encode: (entry) => JSON.stringify(entry),
  decode(text) {
    const fields = rowFields(text);
    const entry: ScriptEntry = {
      id: fields.text('id'),
      name: fields.text('name'),
      createdBy: fields.text('createdBy'),
      createdAt: fields.text('createdAt'),
      updatedBy: fields.text('updatedBy'),
      updatedAt: fields.text('updatedAt'),
      tags: fields.texts('tags'),
      timeoutSec: fields.integer('timeoutSec'),
      interpreter: fields.text('interpreter'),
      isSudo: fields.flag('isSudo'),
      cwd: fields.text('cwd'),
    };
    return fields.fits ? entry : undefined;
  },
};

export const commandCodec: EntryCodec<CommandEntry> = {
  encode: (entry) => JSON.stringify(entry),
  decode(text) {
    const fields = rowFields(text);
    const entry: CommandEntry = {
      id: fields.text('id'),
      name: fields.text('name'),
      createdBy: fields.text('createdBy'),
      createdAt: fields.text('createdAt'),
      updatedBy: fields.text('updatedBy'),
      updatedAt: fields.text('updatedAt'),
      tags: fields.texts('tags'),
      timeoutSec: fields.integer('timeoutSec'),
    };
    return fields.fits ? entry : undefined;
  },
};
