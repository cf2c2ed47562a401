/** Changes an API users file so that a crash leaves either the old or the new one. Spec 02 §18.2. */

import { AppError } from '../../errors.js';
import type { Logger } from '../../logging/logger.js';
import type { Exclusively } from '../../store/exclusively.js';
import { REPLACE_ATTEMPTS, readForReplace, replaceFile } from '../replace-file.js';
import { parseUsersFile, type UserEntry } from './parse-users-file.js';

export interface ChangeOptions {
  /** Of the store all users of the file have. */
  readonly exclusively: Exclusively;
  readonly log: Logger;
}

/**
 * Replaces the users by what `edit` makes of them; resolves with `false`, and leaves the file alone, when that is
 * `null`. The file is read before, so that edits by hand survive, and once more if it has changed in the meantime.
 * Passes on what `edit` throws; throws `AppError` 500 when the file is bad or cannot be written, with the reason in
 * the log only.
 */
export async function changeUsersFile(
  path: string,
  edit: (entries: readonly UserEntry[]) => readonly unknown[] | null,
  { exclusively, log }: ChangeOptions,
): Promise<boolean> {
  const failed = (title: string, error: unknown): AppError => {
    log.error(`${title}: ${path}: ${(error as Error).message}`);
    return new AppError('internal', { title });
  };
  for (let attempt = 1; ; attempt += 1) {
    const before = await readUsers(path).catch((error) => {
      throw failed('the users file cannot be read', error);
    });
    const edited = edit(before.entries);
    if (edited === null) return false;
    const text = JSON.stringify(edited, null, 1);
    try {
      // Better a refusal than a file that the next start cannot read.
      parseUsersFile(text);
      if (await replaceFile(before, text, exclusively)) return true;
      if (attempt === REPLACE_ATTEMPTS) throw new Error('others keep changing it');
    } catch (error) {
      throw failed('the users file cannot be written', error);
    }
  }
}

async function readUsers(path: string) {
  const file = await readForReplace(path);
  return { ...file, entries: parseUsersFile(file.text) };
}
