/** Credentials of `server.auth_file`: a JSON object of passwords by client auth id. Spec 03 §8.3, 07 §9.4. */

import type { Logger } from '../../logging/logger.js';
import type { Clock } from '../../time.js';
import { parseSecretJson } from '../parse-json.js';
import { WatchedFile } from '../watched-file.js';
import type { CredentialSource } from './credential-source.js';

export interface FileCredentialsOptions {
  readonly path: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Every lookup looks at the file's date, so additions, changes and removals count at once; the parsed form is
 * kept. A file that turns bad is logged once, and the last good credentials stay in force.
 */
export function fileCredentials({ path, clock, log }: FileCredentialsOptions): CredentialSource {
  const file = new WatchedFile({
    path,
    clock,
    parse: (text) => parseCredentials(text, log),
    onBad: (error) =>
      log.error(`failed to decode rport clients auth file, keeping the old credentials: ${error.message}`),
  });
  return {
    source: 'File',
    lookup: async (authId) => (await file.current()).get(authId),
  };
}

/** Throws `Error` unless `text` is a JSON object. Entries without id or password can not log in and are left out. */
export function parseCredentials(text: string, log: Logger): ReadonlyMap<string, string> {
  const value = parseSecretJson(text.replace(/^\uFEFF/, ''));
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error('expected a JSON object of passwords by client auth id');
  }
  const credentials = new Map<string, string>();
  let unusable = 0;
  for (const [id, password] of Object.entries(value)) {
    if (id !== '' && typeof password === 'string' && password !== '') credentials.set(id, password);
    else unusable += 1;
  }
  if (unusable > 0) {
    log.error(`rport clients auth file: ${unusable} entries without id or password text are ignored`);
  }
  return credentials;
}
