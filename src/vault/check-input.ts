/** What makes passwords and values of the vault valid. Spec 03 §11.3 and §11.4. */

import { AppError, AppErrorList } from '../errors.js';
import type { VaultInput } from './entry.js';
import { LARGEST_VALUE, LONGEST_TEXT } from './limits.js';

/** Bytes. */
const SHORTEST_PASSWORD = 4;
const LONGEST_PASSWORD = 32;

const TYPES: readonly string[] = ['text', 'secret', 'markdown', 'string'];

/** Of a new vault. Throws `AppError` 400. */
export function checkNewPassword(password: string): void {
  const length = Buffer.byteLength(password);
  if (length < SHORTEST_PASSWORD) throw badLength('short', SHORTEST_PASSWORD, length);
  if (length > LONGEST_PASSWORD) throw badLength('long', LONGEST_PASSWORD, length);
}

/** Whether it can be the password of a vault at all. */
export function isPossiblePassword(password: string): boolean {
  const length = Buffer.byteLength(password);
  return length >= SHORTEST_PASSWORD && length <= LONGEST_PASSWORD;
}

export const isValueType = (type: string): boolean => TYPES.includes(type);

/** Throws `AppErrorList` (400) with everything that is wrong. */
export function checkInput({ key, value, type, clientId, requiredGroup }: VaultInput): void {
  const titles: string[] = [];
  if (key === '') titles.push('key is required');
  if (value === '') titles.push('value is required');
  if (type === '') titles.push('value type is required');
  else if (!isValueType(type)) titles.push(`unknown or invalid value value type ${type}`);
  const bounded: readonly (readonly [name: string, text: string, most: number])[] = [
    ['key', key, LONGEST_TEXT],
    ['client_id', clientId, LONGEST_TEXT],
    ['required_group', requiredGroup, LONGEST_TEXT],
    ['value', value, LARGEST_VALUE],
  ];
  for (const [name, text, most] of bounded) {
    const length = Buffer.byteLength(text);
    if (length > most)
      titles.push(`${name} is too long, maximum is ${most} bytes, provided length is ${length} bytes`);
  }
  const [first, ...others] = titles.map((title) => new AppError('bad_request', { title }));
  if (first !== undefined) throw new AppErrorList([first, ...others]);
}

const badLength = (what: string, expected: number, length: number): AppError =>
  new AppError('bad_request', {
    title: `password is too ${what}, expected length is ${expected} bytes, provided length is ${length} bytes`,
  });
