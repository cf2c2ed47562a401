import type { ScriptEntry, Stored } from '../../src/library/entry.js';

/** A script made `seconds` after the epoch. */
export function libraryScript(
  id: string,
  name: string,
  seconds: number,
  fields: Partial<ScriptEntry> = {},
  text = `echo ${name}`,
): Stored<ScriptEntry> {
  const at = new Date(seconds * 1000).toISOString();
  const entry: ScriptEntry = {
    id,
    name,
    createdBy: 'ann',
    createdAt: at,
    updatedBy: 'ann',
    updatedAt: at,
    interpreter: '',
    isSudo: false,
    cwd: '',
    tags: null,
    timeoutSec: 60,
    ...fields,
  };
  return { entry, text };
}
