/** The other side's opinion on codes of authenticator apps, where it is installed. */

import { execFileSync, spawnSync } from 'node:child_process';

export const hasOathtool = spawnSync('oathtool', ['--version']).error === undefined;

export interface OathtoolOptions {
  readonly algorithm?: 'SHA1' | 'SHA256' | 'SHA512';
  readonly digits?: 6 | 8;
  /** Seconds. */
  readonly period?: number;
  readonly now: number;
}

export function oathtool(secret: string, options: OathtoolOptions): string {
  const { algorithm = 'SHA1', digits = 6, period = 30, now } = options;
  const args = [
    `--totp=${algorithm}`,
    '-b',
    `-d${digits}`,
    `-s${period}s`,
    `-N@${Math.floor(now / 1000)}`,
    secret,
  ];
  return execFileSync('oathtool', args).toString().trim();
}
