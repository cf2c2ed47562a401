/** What makes a client group valid. Spec 03 §7.1. */

import { AppError } from '../../errors.js';
import { goQuote } from '../../go/quote.js';
import type { TagParam } from './group.js';
import { isTagParam, parseTagParam } from './tag-param.js';

/** Bytes. */
const LONGEST_ID = 30;

const problems = {
  operator: 'error, only and/or is allowed for tags group definitions',
  form: 'error parsing tags group definitions',
};

/** Throws `AppError` 400 `Invalid client group.` */
export function checkGroupId(id: string): void {
  if (id.trim() === '') throw invalid('group ID cannot be empty');
  const length = Buffer.byteLength(id);
  if (length > LONGEST_ID) throw invalid(`invalid group ID: max length ${LONGEST_ID}, got ${length}`);
  if (!/^[A-Za-z0-9_*-]+$/.test(id)) {
    throw invalid(`invalid group ID ${goQuote(id)}: can contain only "A-Za-z0-9_-*"`);
  }
}

/** The value as it is kept. Throws `AppError` 400 `Invalid client group.` */
export function checkTagParam(value: unknown): TagParam | null {
  if (value === null || value === undefined) return null;
  if (isTagParam(value)) return value;
  throw invalid(parseTagParam(value) === 'operator' ? problems.operator : problems.form);
}

const invalid = (detail: string): AppError =>
  new AppError('bad_request', { title: 'Invalid client group.', detail });
