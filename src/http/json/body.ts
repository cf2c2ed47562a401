/** From the bytes of a request body to the value a handler gets. Spec 04 §2.3. */

import type { TSchema } from 'typebox';
import { AppError } from '../../errors.js';
import { type BodySchema, decodeBody, JsonTypeError } from './decode.js';
import { JsonSyntaxError, parseFirstJson } from './parse.js';

/**
 * Reads the first JSON value of `bytes`, whatever the content type says, and fits it to `schema`.
 * Throws `AppError`: `missing_body` for nothing but white space, `invalid_json` with the reason otherwise.
 */
export function readJsonBody(bytes: Buffer, schema: TSchema): unknown {
  try {
    const node = parseFirstJson(bytes.toString('utf8'));
    if (node === undefined) throw new AppError('missing_body');
    return decodeBody(node, schema as BodySchema);
  } catch (error) {
    if (error instanceof JsonSyntaxError || error instanceof JsonTypeError) {
      throw new AppError('invalid_json', { detail: error.message });
    }
    throw error;
  }
}
