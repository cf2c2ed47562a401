/** Which texts may be part of a key. */

import { AppError } from '../errors.js';

/** LMDB takes 1978 bytes for a whole key; this leaves room for the other parts of a composed one. */
const MAX_KEY_BYTES = 1024;
/** The key encoding uses low bytes as separators, and lone surrogates would collide with each other. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
const UNUSABLE = /[\u0000-\u001f]|\p{Surrogate}/u;

/** Whether `text` can be looked up at all; one that cannot is in no table. */
export const isKeyText = (text: string): boolean =>
  text !== '' && Buffer.byteLength(text) <= MAX_KEY_BYTES && !UNUSABLE.test(text);

/** Throws `AppError` 400 when `text` cannot be a key. */
export function checkKeyText(text: string): void {
  if (!isKeyText(text)) {
    throw new AppError('bad_request', {
      title: 'identifier cannot be stored',
      detail: `it must have 1 to ${MAX_KEY_BYTES} bytes of UTF-8 without control characters`,
    });
  }
}
