/** The text fields of `POST /files`, checked in the order of spec 04 §16.3. */

import { randomUUID } from 'node:crypto';
import type { Targeting, TargetTags } from '../clients/targeting.js';
import { AppError } from '../errors.js';
import { parseGoBool } from '../go/bool.js';
import { goQuote } from '../go/quote.js';

/** Values by name of the field, in the order they came. */
export type FormFields = ReadonlyMap<string, readonly string[]>;

export interface UploadOptions {
  readonly mode: number;
  readonly force: boolean;
  readonly sync: boolean;
  readonly owner: string;
  readonly group: string;
}

/** Set-user-id, set-group-id, sticky bit and three times rwx. */
const LARGEST_MODE = 0o7777;
const ID = /^[A-Za-z0-9_-]{1,64}$/;

/**
 * Which clients the form names.
 * @param readTags reads the JSON of `tags`; what it throws is passed on
 * @throws AppError 400 when there are several `tags`
 */
export function targetingOf(fields: FormFields, readTags: (json: string) => TargetTags): Targeting {
  const [tags, ...moreTags] = fields.get('tags') ?? [];
  if (moreTags.length > 0) throw refusal('tags form value must only contain a single element');
  return {
    clientIds: fields.get('client_id') ?? null,
    groupIds: fields.get('group_id') ?? null,
    tags: tags === undefined ? null : readTags(tags),
  };
}

/** How the file is to be written. Throws `AppError` 400. */
export function optionsOf(fields: FormFields): UploadOptions {
  return {
    mode: modeOf(fields.get('mode')?.[0]),
    force: flagOf(fields.get('force')?.[0]),
    sync: flagOf(fields.get('sync')?.[0]),
    owner: fields.get('user')?.[0] ?? '',
    group: fields.get('group')?.[0] ?? '',
  };
}

/** The id the form asks for, or a new one. It becomes part of a file name. Throws `AppError` 400. */
export function uploadIdOf(fields: FormFields): string {
  const id = fields.get('id')?.[0] ?? '';
  if (id === '') return randomUUID();
  if (ID.test(id)) return id;
  throw refusal('invalid upload id', 'an id consists of 1 to 64 letters, digits, hyphens and underscores');
}

/** Octal digits, as Go's `strconv.ParseInt` reads them. */
function modeOf(text: string | undefined): number {
  if (text === undefined) return 0;
  const mode = /^[+-]?[0-7]+$/.test(text) ? Number.parseInt(text, 8) : Number.NaN;
  if (mode >= 0 && mode <= LARGEST_MODE) return mode;
  const reason = Number.isNaN(mode) ? 'invalid syntax' : 'value out of range';
  const cause = `strconv.ParseInt: parsing ${goQuote(text)}: ${reason}`;
  throw refusal(`failed to parse file mode value ${text}: ${cause}`);
}

function flagOf(text: string | undefined): boolean {
  if (text === undefined) return false;
  const flag = parseGoBool(text);
  if (flag.ok) return flag.value;
  throw refusal(flag.error);
}

const refusal = (title: string, detail = ''): AppError => new AppError('bad_request', { title, detail });
