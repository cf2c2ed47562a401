/** Which TCP ports of this machine somebody listens on. Linux only. */

import { readFile } from 'node:fs/promises';

/** State number of listening sockets in `/proc/net/tcp`. */
const LISTEN = '0A';
const tables = ['/proc/net/tcp', '/proc/net/tcp6'] as const;

/** `null` where the system does not tell. The cost grows with the number of sockets of the machine. */
export async function readListeningPorts(): Promise<ReadonlySet<number> | null> {
  const texts = await Promise.all(tables.map((table) => readFile(table, 'latin1').catch(() => null)));
  if (texts.every((text) => text === null)) return null;
  const ports = new Set<number>();
  for (const text of texts) if (text !== null) collect(text, ports);
  return ports;
}

/** Adds the listening ports of one table: `sl local_address rem_address st …`, addresses as `hex:PORT`. */
export function collect(table: string, into: Set<number>): void {
  for (const match of table.matchAll(
    /^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:[0-9A-F]{4} ([0-9A-F]{2})/gm,
  )) {
    if (match[2] === LISTEN) into.add(Number.parseInt(match[1] ?? '', 16));
  }
}
