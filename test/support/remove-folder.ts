import { rmSync } from 'node:fs';

/**
 * Removes a folder and what is in it. Tries for half a second: a thread that has been ended, such as the one that
 * writes the store, may finish a file while the folder is being emptied.
 */
export const removeFolder = (path: string): void =>
  rmSync(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 10 });
