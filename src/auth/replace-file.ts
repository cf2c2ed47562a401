/** Changes a text file that others may edit too, so that a crash leaves either the old or the new one. */

import { randomUUID } from 'node:crypto';
import { closeSync, fsyncSync, ftruncateSync, openSync, renameSync, statSync, writeSync } from 'node:fs';
import { type FileHandle, open, readFile, realpath, stat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { flushFolder } from '../config/flush-folder.js';
import { codeOf } from '../file-error.js';
import type { Exclusively } from '../store/exclusively.js';

/** How often a change is tried because somebody else changed the file meanwhile; of two that race, one wins each time. */
export const REPLACE_ATTEMPTS = 20;

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
  const state = stateOf(path);
  return { path, state, text: await readFile(path, 'utf8') };
}

function stateOf(path: string): string {
  const { mtimeNs, size, ino } = statSync(path, { bigint: true });
  return `${mtimeNs} ${size} ${ino}`;
}

/**
 * Writes beside the file and renames; keeps mode and, where allowed, owner. `false`, and nothing is changed, when
 * the file is not the one that was read. Of processes with the same store one after the other looks and renames. Resolves
 * when it would survive a power loss; rejects with what the file system says.
 */
export async function replaceFile(
  before: FileContent,
  text: string,
  exclusively: Exclusively,
): Promise<boolean> {
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
    return exclusively(() => overwrite(before, text));
  }
  try {
    await file.writeFile(text);
    await file.chown(uid, gid).catch(() => undefined);
    await file.chmod(mode & 0o7777);
    await file.sync();
    await file.close();
    const replaced = await exclusively(() => {
      if (stateOf(path) !== before.state) return false;
      renameSync(temporary, path);
      return true;
    });
    if (!replaced) {
      await unlink(temporary);
      return false;
    }
  } catch (error) {
    await file.close().catch(() => undefined);
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
  await flushFolder(dirname(path));
  return true;
}

function overwrite({ path, state }: FileContent, text: string): boolean {
  const file = openSync(path, 'r+');
  try {
    if (stateOf(path) !== state) return false;
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at, bytes.length - at, at);
    ftruncateSync(file, bytes.length);
    fsyncSync(file);
    return true;
  } finally {
    closeSync(file);
  }
}
