/** Changes an API users file so that a crash leaves either the old or the new one. Spec 02 §18.2. */

import { randomUUID } from 'node:crypto';
import { open, readFile, realpath, rename, stat, unlink } from 'node:fs/promises';
import { AppError } from '../../errors.js';
import { parseUsersFile, type UserEntry } from './parse-users-file.js';

export interface PasswordChange {
  readonly username: string;
  readonly hash: string;
}

/**
 * Sets a password hash and clears `password_expired`. The file is read before, so that edits by hand survive.
 * Throws `AppError` 404 for an unknown user, `Error` when the file is bad or cannot be written. Calls for one
 * file must not overlap.
 */
export async function changePassword(path: string, change: PasswordChange): Promise<void> {
  const target = await realpath(path);
  const entries = parseUsersFile(await readFile(target, 'utf8'));
  const found = entries.find(({ user }) => user.username === change.username);
  if (found === undefined) {
    throw new AppError('not_found', { title: `cannot find user by username '${change.username}'` });
  }
  const changed = entries.map((entry) => (entry === found ? withPassword(entry, change.hash) : entry.raw));
  await replaceFile(target, JSON.stringify(changed, null, 1));
}

function withPassword({ raw }: UserEntry, hash: string): Record<string, unknown> {
  const kept = Object.entries(raw).map(([key, value]): [string, unknown] => {
    const name = key.toLowerCase();
    if (name === 'password') return [key, hash];
    return [key, name === 'password_expired' ? false : value];
  });
  return { ...Object.fromEntries(kept) };
}

/** Writes beside the file and renames; keeps mode and, where allowed, owner. */
async function replaceFile(path: string, text: string): Promise<void> {
  const { mode, uid, gid } = await stat(path);
  const temporary = `${path}.${randomUUID()}.tmp`;
  let file: Awaited<ReturnType<typeof open>>;
  try {
    file = await open(temporary, 'wx', 0o600);
  } catch (error) {
    // A directory this user may not write to, such as /etc, with a file he may: no way to be atomic there.
    if (['EACCES', 'EPERM', 'EROFS'].includes((error as NodeJS.ErrnoException).code ?? '')) {
      return overwrite(path, text);
    }
    throw error;
  }
  try {
    await file.writeFile(text);
    await file.chown(uid, gid).catch(() => undefined);
    await file.chmod(mode & 0o7777);
    await file.sync();
    await file.close();
    await rename(temporary, path);
  } catch (error) {
    await file.close().catch(() => undefined);
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
}

async function overwrite(path: string, text: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    const bytes = Buffer.from(text);
    await file.write(bytes, 0, bytes.length, 0);
    await file.truncate(bytes.length);
    await file.sync();
  } finally {
    await file.close();
  }
}
