/** What a personal API token looks like: `<prefix>_<uuid4>`. Spec 02 §10.1. */

import { randomInt, randomUUID } from 'node:crypto';

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789';
export const PREFIX_LENGTH = 8;
const SHAPE = new RegExp(`^([a-z0-9]{${PREFIX_LENGTH}})_(.{1,128})$`);

export interface TokenText {
  /** Names the token; no secret. */
  readonly prefix: string;
  /** 122 random bits. */
  readonly secret: string;
}

export function newTokenText(): TokenText {
  const letters = Array.from({ length: PREFIX_LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]);
  return { prefix: letters.join(''), secret: randomUUID() };
}

/** `undefined` for what cannot be a token. */
export function splitTokenText(text: string): TokenText | undefined {
  const [, prefix, secret] = SHAPE.exec(text) ?? [];
  return prefix === undefined || secret === undefined ? undefined : { prefix, secret };
}
