/** Changes a text file that others may edit too, so that a crash leaves either the old or the new one. */

import { randomUUID } from 'node:crypto';
import { type FileHandle, open, readFile, realpath, rename, stat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { flushFolder } from '../config/flush-folder.js';
import { codeOf } from '../file-error.js';

/** How often a change is tried again because somebody else changed the file meanwhile. */
export const REPLACE_ATTEMPTS = 5;

export interface FileContent {
  /** Behind links. */
  readonly path: string;
  readonly text: string;
  /** Identifies what is in the file. */
  readonly state: string;
}

/** For `replaceFile`. Rejects with what the file system says. */
export async function readForReplace(given: string): Promise<FileContent> {
  const path = await realpath(given);
  const state = await stateOf(path);
  return { path, state, text: await readFile(path, 'utf8') };
}

async function stateOf(path: string): Promise<string> {
  const { mtimeNs, size, ino } = await stat(path, { bigint: true });
  return `${mtimeNs} ${size} ${ino}`;
}

/**
 * Writes beside the file and renames; keeps mode and, where allowed, owner. `false`, and nothing is changed, when
 * the file is not the one that was read. Resolves when it would survive a power loss; rejects with what the file
 * system says. Calls for one file must not overlap.
 */
export async function replaceFile(before: FileContent, text: string): Promise<boolean> {
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

async function overwrite({ path, state }: FileContent, text: string): Promise<boolean> {
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
