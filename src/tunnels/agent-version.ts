/** Versions as agents report them. Spec 01 §14. */

import type { Parsed } from '../go/parsed.js';

export interface AgentVersion {
  /** At least three. */
  readonly numbers: readonly number[];
  /** Empty for a release. */
  readonly prerelease: string;
}

/** Longer texts are not versions of anything; also bounds the work of the pattern. */
const LONGEST = 256;
const PATTERN =
  /^v?([0-9]+(?:\.[0-9]+)*)(?:-([0-9]+[0-9A-Za-z\-~]*(?:\.[0-9A-Za-z\-~]+)*)|-?([A-Za-z\-~]+[0-9A-Za-z\-~]*(?:\.[0-9A-Za-z\-~]+)*))?(?:\+[0-9A-Za-z\-~]+(?:\.[0-9A-Za-z\-~]+)*)?$/;

/** Dotted numbers, an optional leading `v`, pre-release and build part. Error: `Malformed version: <text>`. */
export function parseAgentVersion(text: string): Parsed<AgentVersion> {
  const match = text.length > LONGEST ? null : PATTERN.exec(text);
  if (!match) return { ok: false, error: `Malformed version: ${text.slice(0, LONGEST)}` };
  const numbers = (match[1] ?? '').split('.').map(Number);
  while (numbers.length < 3) numbers.push(0);
  return { ok: true, value: { numbers, prerelease: match[3] ?? match[2] ?? '' } };
}

/** Whether `version` is `release` or later. A pre-release comes before its release. */
export function atLeast(version: AgentVersion, release: string): boolean {
  const wanted = release.split('.').map(Number);
  const length = Math.max(wanted.length, version.numbers.length);
  for (let index = 0; index < length; index += 1) {
    const difference = (version.numbers[index] ?? 0) - (wanted[index] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return version.prerelease === '';
}
