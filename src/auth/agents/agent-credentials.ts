/** Credentials of agents as the API reads and changes them. Spec 03 §8.2. */

import type { ServerConfig } from '../../config/types.js';
import type { AgentCredential, CredentialSource } from './credential-source.js';
import { readOnlyCredentials, staticCredential } from './refusals.js';

/** Each resolves when the change would survive a power loss and every thread goes by it. */
export interface CredentialChanges {
  /** Throws `AppError` 409 when the id is taken, 405 like `checkWritable`. */
  add(credential: AgentCredential): Promise<void>;
  /**
   * With `force`, clients that use it are disconnected and deleted first. Throws `AppError` 404 for an unknown one,
   * 409 when clients use it, 405 like `checkWritable`.
   */
  remove(id: string, force: boolean): Promise<void>;
}

export interface AgentCredentials extends CredentialChanges {
  readonly source: CredentialSource['source'];
  readonly writable: boolean;
  /** Throws `AppError` 405 when nothing can be changed. */
  checkWritable(): void;
  /** Never old; exact, whatever the collation of a database says. */
  find(id: string): Promise<AgentCredential | undefined>;
  /** Never old; sorted by id. */
  list(): readonly AgentCredential[] | Promise<readonly AgentCredential[]>;
}

type WriteSetting = Pick<ServerConfig, 'authWrite'>;

/** Reads of this thread, changes through the one place in the process. */
export function makeAgentCredentials(
  source: CredentialSource,
  server: WriteSetting,
  changes: CredentialChanges,
): AgentCredentials {
  return {
    get source() {
      return source.source;
    },
    get writable() {
      return source.writable && server.authWrite;
    },
    checkWritable: () => checkWritable(source, server),
    find: (id) => findCredential(source, id),
    list: () => source.list(),
    add: (credential) => changes.add(credential),
    remove: (id, force) => changes.remove(id, force),
  };
}

/** Never old; exact, whatever the collation of a database says. */
export async function findCredential(
  source: Pick<CredentialSource, 'list'>,
  id: string,
): Promise<AgentCredential | undefined> {
  return (await source.list()).find((credential) => credential.id === id);
}

/** Throws `AppError` 405 when nothing can be changed. */
export function checkWritable({ writable }: Pick<CredentialSource, 'writable'>, server: WriteSetting): void {
  if (!writable) throw staticCredential();
  if (!server.authWrite) throw readOnlyCredentials();
}
