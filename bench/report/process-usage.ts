/** CPU time and memory of another process, all threads, from `/proc`. Linux only. */

import { readFileSync } from 'node:fs';

/** USER_HZ: the kernel reports CPU times to user space in this unit on every Linux platform node runs on. */
const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4096;

/** Seconds of CPU, user and system, of all threads of `pid` since its start. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The command name may contain spaces and brackets; fields are counted behind the last one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Resident memory of `pid` in bytes. */
export function residentBytes(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * PAGE_BYTES;
}
