/** Which clients use a client auth id, so that `auth_multiuse_creds = false` is checked without a scan. */

import type { ClientId } from '../../ids.js';
import type { Known } from './known.js';

export class AuthIds {
  readonly #clients = new Map<string, Set<ClientId>>();

  /** Clients whose record or connection has this auth id. */
  using(authId: string): Iterable<ClientId> {
    return this.#clients.get(authId) ?? [];
  }

  /** To be called with what was there before and what is there now. */
  changed(id: ClientId, before: readonly string[], known: Known | undefined): void {
    const now = known === undefined ? [] : authIdsOf(known);
    for (const authId of before) if (!now.includes(authId)) this.#remove(authId, id);
    for (const authId of now) if (!before.includes(authId)) this.#add(authId, id);
  }

  #add(authId: string, id: ClientId): void {
    const ids = this.#clients.get(authId);
    if (ids === undefined) this.#clients.set(authId, new Set([id]));
    else ids.add(id);
  }

  #remove(authId: string, id: ClientId): void {
    const ids = this.#clients.get(authId);
    if (ids?.delete(id) && ids.size === 0) this.#clients.delete(authId);
  }
}

export function authIdsOf({ stored, holder }: Known): string[] {
  const ids: string[] = [];
  if (stored !== null) ids.push(stored.authId);
  if (holder !== null && holder.authId !== stored?.authId) ids.push(holder.authId);
  return ids;
}
