/** Credentials of `server.auth_file`: a JSON object of passwords by client auth id. Spec 03 §8.3, 07 §9.4. */

import type { Logger } from '../../logging/logger.js';
import type { Clock } from '../../time.js';
import { WatchedFile } from '../watched-file.js';
import { type CredentialsFile, changeCredentialsFile } from './change-credentials-file.js';
import type { CredentialSource } from './credential-source.js';
import { readEntries } from './credentials-text.js';
import { credentialExists, unknownCredential } from './refusals.js';

export interface FileCredentialsOptions extends CredentialsFile {
  readonly clock: Clock;
}

/**
 * Every lookup looks at the file's date, so additions, changes and removals count at once; the parsed form is
 * kept. A file that turns bad is logged once, and the last good credentials stay in force.
 */
export function fileCredentials(options: FileCredentialsOptions): CredentialSource {
  const { path, clock, log } = options;
  const file = new WatchedFile({
    path,
    clock,
    parse: (text) => parseCredentials(text, log),
    onBad: (error) =>
      log.error(`failed to decode rport clients auth file, keeping the old credentials: ${error.message}`),
  });
  return {
    source: 'File',
    writable: true,
    async lookup(id) {
      const password = (await file.current()).get(id);
      return password === undefined ? undefined : { id, password };
    },
    async list() {
      const credentials = Array.from(await file.current(), ([id, password]) => ({ id, password }));
      return credentials.sort((one, other) => (one.id < other.id ? -1 : 1));
    },
    async add({ id, password }) {
      await changeCredentialsFile(options, (entries) => {
        if (isUsable(id, entries.get(id))) throw credentialExists(id);
        entries.set(id, password);
      });
      file.forget();
    },
    async remove(id) {
      await changeCredentialsFile(options, (entries) => {
        if (!isUsable(id, entries.get(id))) throw unknownCredential(id);
        entries.delete(id);
      });
      file.forget();
    },
    forget: () => file.forget(),
    close: () => Promise.resolve(),
  };
}

/** Throws `Error` unless `text` is a JSON object. Entries without id or password can not log in and are left out. */
export function parseCredentials(text: string, log: Logger): ReadonlyMap<string, string> {
  const credentials = new Map<string, string>();
  let unusable = 0;
  for (const [id, password] of readEntries(text)) {
    if (isUsable(id, password)) credentials.set(id, password);
    else unusable += 1;
  }
  if (unusable > 0) {
    log.error(`rport clients auth file: ${unusable} entries without id or password text are ignored`);
  }
  return credentials;
}

const isUsable = (id: string, password: unknown): password is string =>
  id !== '' && typeof password === 'string' && password !== '';
