/** Changes a file of agent credentials. Spec 03 §8.3. */

import { AppError } from '../../errors.js';
import type { Logger } from '../../logging/logger.js';
import type { Exclusively } from '../../store/exclusively.js';
import { REPLACE_ATTEMPTS, readForReplace, replaceFile } from '../replace-file.js';
import { readEntries, writeEntries } from './credentials-text.js';

export interface CredentialsFile {
  readonly path: string;
  /** Of the store all users of the file have. */
  readonly exclusively: Exclusively;
  readonly log: Logger;
}

/**
 * Replaces the entries by what `edit` makes of them. The file is read before, so that edits by hand survive, and
 * once more if it has changed in the meantime. Passes on what `edit` throws; throws `AppError` 500 when the file is
 * bad or cannot be written, with the reason in the log only.
 */
export async function changeCredentialsFile(
  { path, exclusively, log }: CredentialsFile,
  edit: (entries: Map<string, unknown>) => void,
): Promise<void> {
  try {
    for (let attempt = 1; attempt <= REPLACE_ATTEMPTS; attempt += 1) {
      const before = await readForReplace(path);
      const entries = new Map(readEntries(before.text));
      edit(entries);
      if (await replaceFile(before, writeEntries(entries), exclusively)) return;
    }
    throw new Error('others keep changing it');
  } catch (error) {
    if (error instanceof AppError) throw error;
    log.error(`rport clients auth file ${path}: ${(error as Error).message}`);
    throw new AppError('internal', { title: 'the file of client credentials cannot be changed' });
  }
}
