/**
 * Moves the entries of the table into files, and lets old files go. Every step is told to the store before or after it
 * in such an order that a crash leaves neither a loss nor an entry twice: a file is complete and on disk under its
 * name before its entries count as moved, and it counts no more before it is deleted. Spec 03 §12.2.
 */

import { link, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { flushFolder } from '../config/flush-folder.js';
import type { AuditLogRotation } from '../config/types.js';
import { codeOf } from '../file-error.js';
import { DAY } from '../query/instant.js';
import type { Store } from '../store/store.js';
import { instant, type Milliseconds } from '../time.js';
import { readEntry } from './chain.js';
import type { RotatedFile } from './entry.js';

const FILE_MODE = 0o600;
/** Entries read and written to a file before others have their turn: some milliseconds. */
const PIECE = 1_000;
/** Entries removed in one transaction, for which every other change waits: some milliseconds, too. */
const REMOVED_AT_ONCE = 500;
/** Far more than anybody rotates in a day; beyond it something else is wrong with the folder. */
const MOST_FILES_A_DAY = 10_000;

export const rotationPeriods: Readonly<Record<AuditLogRotation, Milliseconds>> = {
  daily: DAY,
  weekly: 7 * DAY,
  monthly: 30 * DAY,
  yearly: 365 * DAY,
};

export interface RotationPlace {
  readonly store: Pick<Store, 'audit' | 'flushed'>;
  readonly dataDir: string;
  /** Looked at between two pieces: a stop need not wait, the next start goes on. */
  readonly stopped: () => boolean;
}

/** When the oldest entry of the table was made; `undefined` when there is none. */
export function oldestEntry({ audit }: Pick<Store, 'audit'>): Milliseconds | undefined {
  const { archive } = audit.state();
  return readEntry(audit.line(archive.rotated.seq + 1) ?? '')?.entry.timestamp;
}

/** Finishes what a crash or a stop has interrupted. Before anything else of this module. */
export async function finishInterrupted(place: RotationPlace): Promise<void> {
  const { pending } = place.store.audit.state().archive;
  if (pending !== null) {
    await rm(temporary(place, pending.name), { force: true });
    // It got its name when all of it was on disk.
    if (await isThere(join(place.dataDir, pending.name))) await countAsMoved(place, pending);
    else await setArchive(place, { pending: null });
  }
  await removeMoved(place);
  await deleteFiles(place);
}

/** Moves everything there is into a new file. Resolves with it, or `null` when there was nothing or it was stopped. */
export async function rotate(place: RotationPlace, now: Milliseconds): Promise<RotatedFile | null> {
  const { audit } = place.store;
  const { head, archive } = audit.state();
  const first = archive.rotated.seq + 1;
  if (head.seq < first) return null;
  const file: RotatedFile = {
    name: await freeName(place, now),
    first,
    last: { seq: head.seq, hash: head.hash },
    until: readEntry(audit.line(head.seq) ?? '')?.entry.timestamp ?? now,
  };
  await setArchive(place, { pending: file });
  const draft = temporary(place, file.name);
  if (!(await writeEntries(place, draft, file))) return null;
  await takeName(draft, join(place.dataDir, file.name));
  await flushFolder(place.dataDir);
  await countAsMoved(place, file);
  await removeMoved(place);
  return file;
}

/** Lets files go whose last entry is older than `before`. Resolves with their names. */
export async function expire(place: RotationPlace, before: Milliseconds): Promise<readonly string[]> {
  const { archive } = place.store.audit.state();
  const keptFrom = archive.files.findIndex(({ until }) => until >= before);
  const old = keptFrom < 0 ? archive.files : archive.files.slice(0, keptFrom);
  const last = old.at(-1);
  if (last === undefined) return [];
  const names = old.map(({ name }) => name);
  await setArchive(place, {
    anchor: last.last,
    files: archive.files.slice(old.length),
    deleting: [...archive.deleting, ...names],
  });
  await deleteFiles(place);
  return names;
}

async function writeEntries(
  place: RotationPlace,
  path: string,
  { first, last }: RotatedFile,
): Promise<boolean> {
  const { audit } = place.store;
  // Left by an attempt that failed.
  await rm(path, { force: true });
  const file = await open(path, 'wx', FILE_MODE);
  try {
    for (let from = first; from <= last.seq; ) {
      if (place.stopped()) return false;
      const began = performance.now();
      audit.state();
      const rows = audit.lines({ from, to: last.seq, limit: PIECE });
      const end = rows.at(-1);
      if (end === undefined) throw new Error(`entry ${from} is missing in the store`);
      await file.appendFile(rows.map(({ line }) => `${line}\n`).join(''));
      // Flushed at its end only, hundreds of MB would keep every commit waiting for the disk.
      await file.datasync();
      from = end.seq + 1;
      await rest(began);
    }
    await file.sync();
    return true;
  } finally {
    await file.close();
  }
}

async function countAsMoved(place: RotationPlace, file: RotatedFile): Promise<void> {
  const { files } = place.store.audit.state().archive;
  await setArchive(place, { rotated: file.last, files: [...files, file], pending: null });
}

async function removeMoved({ store, stopped }: RotationPlace): Promise<void> {
  const last = store.audit.state().archive.rotated.seq;
  while (last > 0 && !stopped()) {
    const began = performance.now();
    if ((await store.audit.removeThrough(last, REMOVED_AT_ONCE)) === 0) return;
    await rest(began);
  }
}

/** Nobody waits for a rotation: others get as much time on the disk as a step of it has taken. */
const rest = (began: number): Promise<void> => setTimeout(performance.now() - began);

async function deleteFiles(place: RotationPlace): Promise<void> {
  const { deleting } = place.store.audit.state().archive;
  if (deleting.length === 0) return;
  for (const name of deleting) await rm(join(place.dataDir, name), { force: true });
  await flushFolder(place.dataDir);
  await setArchive(place, { deleting: [] });
}

async function setArchive(
  { store }: RotationPlace,
  change: Partial<ReturnType<Store['audit']['state']>['archive']>,
): Promise<void> {
  await store.audit.saveArchive({ ...store.audit.state().archive, ...change });
  await store.flushed();
}

/** Unlike a rename, a link never replaces anything. Not every file system has them; the name was free a moment ago. */
async function takeName(draft: string, path: string): Promise<void> {
  try {
    await link(draft, path);
  } catch (error) {
    if (codeOf(error) === 'EEXIST' || (await isThere(path))) throw error;
    await rename(draft, path);
    return;
  }
  await rm(draft);
}

const temporary = ({ dataDir }: RotationPlace, name: string): string => join(dataDir, `${name}.tmp`);

/** `auditlog.YYYY-MM-DD.jsonl`, the date in UTC, with a number when there is one already. */
async function freeName(place: RotationPlace, now: Milliseconds): Promise<string> {
  const day = `auditlog.${instant(now).slice(0, 10)}`;
  const { files } = place.store.audit.state().archive;
  for (let number = 0; number < MOST_FILES_A_DAY; number++) {
    const name = number === 0 ? `${day}.jsonl` : `${day}.${number}.jsonl`;
    // One that was taken away is missed, not replaced.
    if (files.some((file) => file.name === name)) continue;
    if (!(await isThere(join(place.dataDir, name)))) return name;
  }
  throw new Error(`there are ${MOST_FILES_A_DAY} files ${day}.*`);
}

async function isThere(path: string): Promise<boolean> {
  try {
    await (await open(path, 'r')).close();
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}
