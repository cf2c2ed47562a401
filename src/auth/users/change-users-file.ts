/** Changes an API users file so that a crash leaves either the old or the new one. Spec 02 §18.2. */

import { randomUUID } from 'node:crypto';
import { type FileHandle, open, readFile, realpath, rename, stat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { flushFolder } from '../../config/flush-folder.js';
import { AppError } from '../../errors.js';
import { codeOf } from '../../file-error.js';
import type { Logger } from '../../logging/logger.js';
import { parseUsersFile, type UserEntry } from './parse-users-file.js';

/** How often a change is tried again because somebody else changed the file meanwhile. */
const ATTEMPTS = 5;

/**
 * Replaces the users by what `edit` makes of them. The file is read before, so that edits by hand survive, and once
 * more if it has changed in the meantime. Passes on what `edit` throws; throws `AppError` 500 when the file is bad
 * or cannot be written, with the reason in the log only. Calls for one file must not overlap.
 */
export async function changeUsersFile(
  path: string,
  edit: (entries: readonly UserEntry[]) => readonly unknown[],
  log: Logger,
): Promise<void> {
  const failed = (title: string, error: unknown): AppError => {
    log.error(`${title}: ${path}: ${(error as Error).message}`);
    return new AppError('internal', { title });
  };
  for (let attempt = 1; ; attempt += 1) {
    const before = await readUsers(path).catch((error) => {
      throw failed('the users file cannot be read', error);
    });
    const text = JSON.stringify(edit(before.entries), null, 1);
    try {
      // Better a refusal than a file that the next start cannot read.
      parseUsersFile(text);
      if (await replaceFile(before, text)) return;
      if (attempt === ATTEMPTS) throw new Error('others keep changing it');
    } catch (error) {
      throw failed('the users file cannot be written', error);
    }
  }
}

interface UsersFile {
  /** Behind links. */
  readonly path: string;
  readonly entries: readonly UserEntry[];
  readonly state: string;
}

async function readUsers(given: string): Promise<UsersFile> {
  const path = await realpath(given);
  const state = await stateOf(path);
  return { path, state, entries: parseUsersFile(await readFile(path, 'utf8')) };
}

/** Identifies what is in the file. */
async function stateOf(path: string): Promise<string> {
  const { mtimeNs, size, ino } = await stat(path, { bigint: true });
  return `${mtimeNs} ${size} ${ino}`;
}

/**
 * Writes beside the file and renames; keeps mode and, where allowed, owner. `false`, and nothing is changed, when
 * the file is not the one that was read.
 */
async function replaceFile(before: UsersFile, text: string): Promise<boolean> {
  const { path } = before;
  const { mode, uid, gid } = await stat(path);
  // A rename would work, but who takes the right to write away means it.
  await (await open(path, 'r+')).close();
  const temporary = `${path}.${randomUUID()}.tmp`;
  let file: FileHandle;
  try {
    file = await open(temporary, 'wx', 0o600);
  } catch (error) {
    // A directory this user may not write to, such as /etc, with a file he may: no way to be atomic there.
    if (!['EACCES', 'EPERM', 'EROFS'].includes(codeOf(error))) throw error;
    return overwrite(before, text);
  }
  try {
    await file.writeFile(text);
    await file.chown(uid, gid).catch(() => undefined);
    await file.chmod(mode & 0o7777);
    await file.sync();
    await file.close();
    if ((await stateOf(path)) !== before.state) {
      await unlink(temporary);
      return false;
    }
    await rename(temporary, path);
  } catch (error) {
    await file.close().catch(() => undefined);
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
  await flushFolder(dirname(path));
  return true;
}

async function overwrite({ path, state }: UsersFile, text: string): Promise<boolean> {
  const file = await open(path, 'r+');
  try {
    if ((await stateOf(path)) !== state) return false;
    const bytes = Buffer.from(text);
    await file.write(bytes, 0, bytes.length, 0);
    await file.truncate(bytes.length);
    await file.sync();
    return true;
  } finally {
    await file.close();
  }
}
