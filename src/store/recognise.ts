/** Whether a file is an LMDB database at all: the library crashes the process on files that are none. */

import { closeSync, openSync, readSync } from 'node:fs';

/** LMDB's magic number in the first meta page, behind the page header. */
const MAGIC = 0xbeefc0de;
const MAGIC_OFFSET = 24;

/** An absent or empty file passes: a new store begins with it. Throws `Error` for anything else that is no store. */
export function assertStoreFile(path: string): void {
  const head = Buffer.alloc(MAGIC_OFFSET + 4);
  let length = 0;
  try {
    const file = openSync(path, 'r');
    try {
      length = readSync(file, head, 0, head.length, 0);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  if (length === 0) return;
  // In the byte order of the machine that wrote it, which is this one.
  const found = [head.readUInt32LE(MAGIC_OFFSET), head.readUInt32BE(MAGIC_OFFSET)];
  if (length < head.length || !found.includes(MAGIC)) {
    throw new Error(
      `${path} is damaged or no store of this server: restore a backup, or move it away to start anew`,
    );
  }
}
