import { open } from 'node:fs/promises';

/** Makes names that were added, changed or removed in a directory survive a power loss. */
export async function flushFolder(path: string): Promise<void> {
  // Not every system and not every user may open one; what was asked for is done all the same.
  const folder = await open(path, 'r').catch(() => null);
  if (folder === null) return;
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
