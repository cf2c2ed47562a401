/** Checks the chain of the audit log, file by file and then the table. Works beside a running server. */

import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { codeOf, fileError } from '../file-error.js';
import type { AuditRepository } from '../store/audit-log.js';
import { checkLine } from './chain.js';
import type { AuditArchive, AuditHead, ChainLink, RotatedFile } from './entry.js';

/** What was found in one place. */
export interface Checked {
  /** Name of the file; `null`: the table of the server. */
  readonly file: string | null;
  /** Entries that are as they were written and in their place. */
  readonly entries: number;
  readonly first: number;
  /** The first thing that is wrong; `null`: all is well. */
  readonly wrong: string | null;
}

export interface Verification {
  readonly checked: readonly Checked[];
  readonly head: ChainLink;
  /** Before the first entry that is kept; not 0 when old files were deleted. */
  readonly anchor: ChainLink;
  /** Files named like rotated ones that the log does not count. */
  readonly strangers: readonly string[];
}

const ROTATED = /^auditlog\.\d{4}-\d\d-\d\d(?:\.\d+)?\.jsonl$/;
/** Entries of the table read at once. */
const PIECE = 10_000;

/** Never throws for what is wrong with the log; rejects when a file or the store cannot be read. */
export async function verifyAuditLog(audit: AuditRepository, dataDir: string): Promise<Verification> {
  // The table first and in one go: meanwhile entries may be added to it, or moved into files that are complete then.
  const table = checkTable(audit);
  const { head } = table;
  let { archive } = table;
  const checked: Checked[] = [];
  let previous = archive.anchor;
  for (const file of archive.files) {
    const found = await checkFile(dataDir, file, previous);
    if (found === null) {
      const { deleting, files } = audit.state().archive;
      // Kept long enough just now.
      if (deleting.includes(file.name) || files.every(({ name }) => name !== file.name)) {
        archive = { ...archive, anchor: file.last };
        previous = file.last;
        continue;
      }
    }
    checked.push(found ?? missing(file));
    previous = file.last;
  }
  if (previous.seq !== archive.rotated.seq || previous.hash !== archive.rotated.hash) {
    const wrong = `entries ${previous.seq + 1} to ${archive.rotated.seq} are in no file`;
    checked.push({ file: null, entries: 0, first: previous.seq + 1, wrong });
  }
  checked.push(table.checked);
  return { checked, head, anchor: archive.anchor, strangers: await strangers(audit, dataDir) };
}

function checkTable(audit: AuditRepository): {
  readonly head: AuditHead;
  readonly archive: AuditArchive;
  readonly checked: Checked;
} {
  const { head, archive } = audit.state();
  const first = archive.rotated.seq + 1;
  let link: ChainLink = archive.rotated;
  let wrong: string | null = null;
  check: for (;;) {
    // No bound above: what was added behind the head does not belong there.
    const rows = audit.lines({ from: link.seq + 1, to: Number.MAX_SAFE_INTEGER - 1, limit: PIECE });
    for (const { line } of rows) {
      const next = checkLine(line, link);
      if ('wrong' in next) {
        wrong = next.wrong;
        break check;
      }
      link = next;
    }
    if (rows.length < PIECE) break;
  }
  wrong ??= endOf(link, head);
  return { head, archive, checked: { file: null, entries: link.seq - first + 1, first, wrong } };
}

async function checkFile(dataDir: string, file: RotatedFile, previous: ChainLink): Promise<Checked | null> {
  const path = join(dataDir, file.name);
  let link = previous;
  let wrong: string | null = null;
  const stream = createReadStream(path, 'utf8');
  try {
    for await (const line of createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })) {
      const next = checkLine(line, link);
      if ('wrong' in next) {
        wrong = next.wrong;
        break;
      }
      link = next;
    }
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw new Error(fileError(path, error));
  } finally {
    stream.destroy();
  }
  wrong ??= endOf(link, file.last);
  return { file: file.name, entries: link.seq - previous.seq, first: file.first, wrong };
}

const missing = ({ name, first, last }: RotatedFile): Checked => ({
  file: name,
  entries: 0,
  first,
  wrong: `the file is missing, with the entries ${first} to ${last.seq}`,
});

function endOf(found: ChainLink, expected: ChainLink): string | null {
  if (found.seq < expected.seq) return `entries ${found.seq + 1} to ${expected.seq} are missing at the end`;
  if (found.seq > expected.seq) return `entry ${expected.seq + 1} was added behind the last one`;
  return found.hash === expected.hash ? null : `entry ${found.seq} is not the one that was written last`;
}

async function strangers(audit: AuditRepository, dataDir: string): Promise<readonly string[]> {
  const names = await readdir(dataDir);
  const { files, pending, deleting } = audit.state().archive;
  const known = new Set([...files.map(({ name }) => name), ...deleting, pending?.name]);
  return names.filter((name) => ROTATED.test(name) && !known.has(name)).sort();
}
