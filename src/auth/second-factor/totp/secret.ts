/** The secret of an authenticator app, stored per user as an `otpauth` URL. Spec 02 §9.1. */

import { toUSVString } from 'node:util';
import { generateSecret } from 'otplib';

export type TotpAlgorithm = 'SHA1' | 'SHA256' | 'SHA512' | 'MD5';

export interface TotpKey {
  /** Base32. */
  readonly secret: string;
  readonly algorithm: TotpAlgorithm;
  readonly digits: 6 | 8;
  /** Seconds. */
  readonly period: number;
  /** As stored; what the QR code shows. */
  readonly url: string;
}

const SECRET_BYTES = 20;
/** With ten times as many characters a name would still fit into a QR code, but nobody could scan it. */
const LONGEST_LABEL = 64;
const DEFAULT_PERIOD = 30;
/** Parts of a stored value that are shown where they are wrong: a secret is longer. */
const SHOWN_CHARACTERS = 8;

/**
 * The URL of a new secret.
 *
 * quirk: the issuer is the user and the account the server's; authenticator apps show it, so it stays (spec 02 §9.1).
 */
export function newTotpUrl(username: string, accountName: string): string {
  const issuer = label(username);
  const secret = generateSecret({ length: SECRET_BYTES });
  return `otpauth://totp/${issuer}:${label(accountName)}?algorithm=SHA1&digits=6&issuer=${issuer}&period=30&secret=${secret}`;
}

const label = (text: string): string =>
  encodeURIComponent([...toUSVString(text)].slice(0, LONGEST_LABEL).join(''));

/** What is wrong with a stored value. The text shows nothing of the secret. */
export class TotpKeyError extends Error {
  override readonly name = 'TotpKeyError';

  constructor(readonly reason: string) {
    super(`failed to convert the stored value to TotP secret data: ${reason}`);
  }
}

/** Reads a stored value; `null` when it is blank. Throws `TotpKeyError` with the reasons of spec 02 §9.1. */
export function parseTotpUrl(stored: string): TotpKey | null {
  const url = stored.trim();
  if (url === '') return null;
  const [, scheme = '', type = ''] = /^(?:([a-z][a-z0-9+.-]*):)?(?:\/\/([^/?#]*))?/i.exec(url) ?? [];
  if (scheme.toLowerCase() !== 'otpauth')
    throw new TotpKeyError(`unexpected totp key scheme ${shown(scheme)}, otpauth is expected`);
  if (type !== 'totp') throw new TotpKeyError(`invalid totp key type ${shown(type)}, totp type is expected`);
  const query = new URLSearchParams(/\?([^#]*)/.exec(url)?.[1] ?? '');
  const secret = (query.get('secret') ?? '').trim();
  if (secret === '') throw new TotpKeyError('empty totp secret key');
  if (!/^[a-z2-7]+=*$/i.test(secret)) throw new TotpKeyError('invalid totp secret key, base32 is expected');
  const period = periodOf(query.get('period') ?? '');
  if (period === 0)
    throw new TotpKeyError('zero totp secret validity period, a positive integer is expected');
  return { secret, period, algorithm: algorithmOf(query), digits: digitsOf(query), url };
}

/** What is no number counts as the default, as in the reference. */
function periodOf(text: string): number {
  const period = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(period) ? period : DEFAULT_PERIOD;
}

function algorithmOf(query: URLSearchParams): TotpAlgorithm {
  const given = query.get('algorithm') ?? '';
  switch (given) {
    case '':
      throw new TotpKeyError('empty algorithm value');
    case 'SHA1':
    case 'SHA256':
    case 'SHA512':
    case 'MD5':
      return given;
    default:
      throw new TotpKeyError(`invalid/unsupported algorithm value ${shown(given)}`);
  }
}

function digitsOf(query: URLSearchParams): 6 | 8 {
  const given = query.get('digits') ?? '';
  if (given === '') throw new TotpKeyError('empty digits value');
  const digits = /^[+-]?\d+$/.test(given) ? Number(given) : Number.NaN;
  if (digits !== 6 && digits !== 8) throw new TotpKeyError(`invalid digits value ${shown(given)}`);
  return digits;
}

const shown = (text: string): string =>
  text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
