/** Rows that are JSON texts. */

import { JsonFields } from '../json-fields.js';

/** What was written is read back whatever its length; foreign input was bounded on its way in. */
export const ANY_LENGTH = Number.POSITIVE_INFINITY;

/** For one that is no JSON object, every field has its zero value and `fits` is false. */
export function rowFields(text: string): JsonFields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  return new JsonFields(value, ANY_LENGTH);
}
