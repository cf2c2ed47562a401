/** What the registrar keeps, and how entries of its table change. */

import type { ClientRecords } from '../../clients/read-model.js';
import type { ClientRecord } from '../../clients/record.js';
import type { ServerConfig } from '../../config/types.js';
import type { ClientId } from '../../ids.js';
import type { Logger } from '../../logging/logger.js';
import type { Store } from '../../store/store.js';
import type { Milliseconds } from '../../time.js';
import type { ActorContext } from '../runtime/types.js';
import type { AccessChange } from './access.js';
import { type AuthIds, authIdsOf } from './auth-ids.js';
import { type Known, unknown } from './known.js';
import type { Ending, RegistrarMessage } from './messages.js';
import { isObsolete } from './obsolete.js';
import type { Revocations } from './revocations.js';
import type { Expelled, Expulsion } from './revoke.js';

export interface RegistrarDeps {
  readonly server: Pick<
    ServerConfig,
    'authMultiuseCreds' | 'purgeDisconnectedClients' | 'keepDisconnectedClients'
  >;
  readonly records: ClientRecords;
  readonly store: Pick<Store, 'clients' | 'measurements' | 'jobs' | 'flushed'>;
  readonly log: Pick<Logger, 'error' | 'info' | 'debug'>;
}

/** What is sent to the registrar, by others and by itself. */
export type Message =
  | RegistrarMessage
  | { readonly type: 'thread-lost'; readonly thread: number }
  | {
      readonly type: 'overtaken';
      readonly id: ClientId;
      readonly attempt: string;
      readonly ending: Ending | null;
    }
  | {
      readonly type: 'settled';
      readonly ids: readonly ClientId[];
      /** As stored now; `null` when they could not be written. */
      readonly records: ReadonlyMap<ClientId, ClientRecord> | null;
    }
  | { readonly type: 'settle'; readonly ids: readonly ClientId[] }
  | { readonly type: 'expel'; readonly expulsion: Expulsion }
  | {
      readonly type: 'expelled';
      readonly expulsion: Expulsion;
      readonly ids: readonly ClientId[];
      readonly endings: readonly (Expelled | null)[];
    }
  | {
      readonly type: 'access-asked';
      readonly change: AccessChange;
      /** The connection whose actor was asked. */
      readonly attempt: string;
      readonly error: Error | null;
    }
  | { readonly type: 'access-saved'; readonly change: AccessChange; readonly error: Error | null }
  | {
      readonly type: 'removed';
      readonly ids: readonly ClientId[];
      readonly error: Error | null;
      readonly reply: (error: Error | null) => void;
    };

export interface State {
  readonly deps: RegistrarDeps;
  readonly known: Map<ClientId, Known>;
  readonly authIds: AuthIds;
  readonly revocations: Revocations;
  /** Changes of access that cannot be made while a connection begins or ends; each does within seconds. */
  readonly waitingAccess: Map<ClientId, AccessChange[]>;
  epoch: number;
  /** Changes of the store under way. */
  readonly writing: Set<Promise<unknown>>;
  readonly unsubscribe: () => void;
}

export type Context = ActorContext<Message>;

/** No connection, and no record that anybody may still see. */
export function isGone(state: State, { holder, stored }: Known, now: Milliseconds): boolean {
  if (holder !== null) return false;
  return stored === null || isObsolete(stored.disconnectedAt, state.deps.server, now);
}

export function forget(known: Known): void {
  known.stored = null;
  known.takenOver = null;
  known.lastTunnelId = 0;
}

/** Changes what is known of a client, keeps the index of auth ids right, and drops entries with nothing in them. */
export function change(state: State, id: ClientId, edit: (known: Known) => void): Known {
  const known = state.known.get(id) ?? unknown(id);
  const before = authIdsOf(known);
  edit(known);
  state.authIds.changed(id, before, known);
  if (known.stored === null && known.holder === null && !known.busy) state.known.delete(id);
  else state.known.set(id, known);
  return known;
}

/** Remembers a change of the store under way, for the end of the actor to wait for. */
export function writing<Value>(state: State, operation: Promise<Value>): Promise<Value> {
  state.writing.add(operation);
  const done = (): void => {
    state.writing.delete(operation);
  };
  operation.then(done, done);
  return operation;
}
