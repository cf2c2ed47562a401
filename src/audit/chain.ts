/**
 * The text of an entry, in the table and in files alike, and the hash that ties it to the one before:
 * SHA-256 over that one's hash, a line break and the text without its own hash.
 */

import { createHash } from 'node:crypto';
import { instant } from '../time.js';
import type { AuditEntry, ChainLink } from './entry.js';

/** What the first entry ever is tied to. */
export const GENESIS: ChainLink = { seq: 0, hash: '0'.repeat(64) };

export interface SealedEntry {
  /** One JSON object without line break. */
  readonly line: string;
  readonly link: ChainLink;
}

export function sealEntry(entry: AuditEntry, previous: ChainLink): SealedEntry {
  const content = contentText(entry);
  const hash = createHash('sha256').update(`${previous.hash}\n${content}`).digest('hex');
  return { line: `${content.slice(0, -1)},"hash":"${hash}"}`, link: { seq: entry.seq, hash } };
}

export interface ReadEntry {
  readonly entry: AuditEntry;
  readonly hash: string;
}

/** `undefined` for a text that is no entry. Says nothing about its hash. */
export function readEntry(line: string): ReadEntry | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const fields = value as Readonly<Record<string, unknown>>;
  const { seq, timestamp, hash } = fields;
  const at = typeof timestamp === 'string' ? Date.parse(timestamp) : Number.NaN;
  if (!Number.isSafeInteger(seq) || Number.isNaN(at) || typeof hash !== 'string') return undefined;
  const text = (key: string): string => {
    const found = fields[key];
    return typeof found === 'string' ? found : '';
  };
  return {
    hash,
    entry: {
      seq: seq as number,
      timestamp: at,
      username: text('username'),
      remoteIp: text('remote_ip'),
      application: text('application'),
      action: text('action'),
      affectedId: text('affected_id'),
      clientId: text('client_id'),
      clientHostname: text('client_hostname'),
      request: text('request'),
      response: text('response'),
    },
  };
}

/** What is wrong with `line` as the one behind `previous`, or where the chain is with it. */
export function checkLine(line: string, previous: ChainLink): ChainLink | { readonly wrong: string } {
  const read = readEntry(line);
  if (read === undefined) return { wrong: `entry ${previous.seq + 1} is unreadable` };
  const { entry } = read;
  if (entry.seq !== previous.seq + 1) {
    return { wrong: `entry ${previous.seq + 1} is missing, entry ${entry.seq} is in its place` };
  }
  const sealed = sealEntry(entry, previous);
  // The text as a whole: a key that no hash looks at has no place in it.
  if (sealed.line !== line) {
    return { wrong: `entry ${entry.seq} (${instant(entry.timestamp)}) is not what was written` };
  }
  return sealed.link;
}

function contentText(entry: AuditEntry): string {
  const text = JSON.stringify({
    seq: entry.seq,
    timestamp: instant(entry.timestamp),
    username: entry.username,
    remote_ip: entry.remoteIp,
    application: entry.application,
    action: entry.action,
    affected_id: entry.affectedId,
    client_id: entry.clientId,
    client_hostname: entry.clientHostname,
    request: entry.request,
    response: entry.response,
  });
  // Many programs take these for line breaks, and an agent may have sent them.
  return text.replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');
}
