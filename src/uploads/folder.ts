/** The folder in which files wait for the clients they are for: `<data_dir>/filepush`, shared by all threads. */

import { mkdir, readdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { codeOf } from '../file-error.js';
import { UPLOAD_SUFFIX } from './upload.js';

/** Ending of the name of a file that is still being received. */
export const PART_SUFFIX = '.part';

export const uploadFolder = (dataDir: string): string => resolve(dataDir, 'filepush');

/** Absolute path of a complete file. */
export const uploadPath = (dataDir: string, id: string): string =>
  join(uploadFolder(dataDir), `${id}${UPLOAD_SUFFIX}`);

/** Path of a file that `thread` receives; `name` is unguessable. */
export const partPath = (dataDir: string, thread: number, name: string): string =>
  join(uploadFolder(dataDir), `${thread}-${name}${PART_SUFFIX}`);

/** Nobody but the server's own user needs to look into it. */
export async function makeUploadFolder(dataDir: string): Promise<void> {
  await mkdir(uploadFolder(dataDir), { recursive: true, mode: 0o700 });
}

/** Removes what a server that ended has left behind; before anything is received. Resolves with the names. */
export function removeLeftovers(dataDir: string): Promise<readonly string[]> {
  return removeWhere(dataDir, (name) => name.endsWith(UPLOAD_SUFFIX) || name.endsWith(PART_SUFFIX));
}

/** Removes what a thread that died was receiving. */
export async function removePartsOf(dataDir: string, thread: number): Promise<void> {
  await removeWhere(dataDir, (name) => name.startsWith(`${thread}-`) && name.endsWith(PART_SUFFIX));
}

async function removeWhere(
  dataDir: string,
  isGarbage: (name: string) => boolean,
): Promise<readonly string[]> {
  const folder = uploadFolder(dataDir);
  const names = await readdir(folder).catch((error: unknown): string[] => {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  });
  const garbage = names.filter(isGarbage);
  for (const name of garbage) await rm(join(folder, name), { recursive: true, force: true });
  return garbage;
}
