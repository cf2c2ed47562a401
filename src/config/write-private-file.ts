import { randomBytes } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { flushFolder } from './flush-folder.js';

/**
 * Writes a file only the owner can read, so that after a crash either the old or the new content is there: a
 * neighbour file is written, flushed and renamed, then the directory entry is flushed.
 */
export async function writePrivateFile(path: string, content: string): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    await withFile(temporary, 'wx', async (file) => {
      await file.writeFile(content);
      await file.sync();
    });
    await rename(temporary, path);
  } catch (thrown) {
    await rm(temporary, { force: true });
    throw thrown;
  }
  await flushFolder(dirname(path));
}

async function withFile(path: string, mode: string, use: (file: FileHandle) => Promise<void>): Promise<void> {
  const file = await open(path, mode, 0o600);
  try {
    await use(file);
  } finally {
    await file.close();
  }
}
