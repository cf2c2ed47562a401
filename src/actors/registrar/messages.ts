/**
 * The registrar is the one actor, on main, that decides which session owns a client id. Claims of one client are
 * handled one after another, so two shards can never both accept it. Spec 01 §6.5 and §6.8.
 */

import type { ClientRecord } from '../../clients/record.js';
import type { ClientId } from '../../ids.js';
import type { Milliseconds } from '../../time.js';
import type { ActorRef } from '../runtime/types.js';

export const REGISTRAR: ActorRef = { kind: 'registrar', id: 'main' };

export type RegistrarMessage =
  /**
   * A session wants to become client `id`. Replies `ClaimReply` once an older connection of the same agent
   * process has ended, or refuses with the texts of spec 01 §6.5 (`client is already connected: …`,
   * `client auth ID is already in use: …`).
   */
  | {
      readonly type: 'claim';
      readonly id: ClientId;
      readonly authId: string;
      readonly sessionId: string;
      readonly name: string;
      readonly thread: number;
      /** Names this connection, unique in the process. */
      readonly attempt: string;
      readonly loggedInAt: Milliseconds;
    }
  /** The claimed connection has stored its record and is a connected client now. */
  | { readonly type: 'connected'; readonly id: ClientId; readonly attempt: string }
  /** The connection has ended, or gave up claiming. Changes nothing when another one owns the client by now. */
  | {
      readonly type: 'release';
      readonly id: ClientId;
      readonly attempt: string;
      readonly ending: Ending;
    }
  /**
   * Removes a disconnected client with its measurements; replies `null` once that is on disk. Refuses with 400
   * when it is connected and with 404 when it is unknown or obsolete.
   */
  | { readonly type: 'delete'; readonly id: ClientId }
  /**
   * Replaces the user groups that may access the client, connected or not; replies `null` once that is on disk and
   * known to all threads. Refuses with 404 when the client is unknown or obsolete.
   */
  | {
      readonly type: 'set-access';
      readonly id: ClientId;
      readonly allowedUserGroups: readonly string[];
    }
  /** Removes up to `limit` obsolete clients; replies their number. */
  | { readonly type: 'purge'; readonly limit: number }
  /**
   * The credential is about to be deleted: claims with it are refused from now on. Refuses with 409 when clients,
   * connected or not, are bound to it; with `force` they are disconnected and removed. Replies how many, once that
   * is on disk. Must be followed by `revoked`.
   */
  | { readonly type: 'revoke'; readonly authId: string; readonly force: boolean }
  /** How the deletion ended. `deleted`: everybody goes by it, so that later logins count again. */
  | { readonly type: 'revoked'; readonly authId: string; readonly deleted: boolean };

/** How a connection ended. */
export type Ending =
  /** It never stored its record. */
  | { readonly kind: 'never-connected' }
  /** The stored record says disconnected since `at`. */
  | { readonly kind: 'disconnected'; readonly at: Milliseconds; readonly lastTunnelId: number }
  /** Nothing is kept of disconnected clients. */
  | { readonly kind: 'removed' }
  /** A new connection takes over. `record` is the last one stored and still says connected. */
  | { readonly kind: 'replaced'; readonly record: ClientRecord; readonly lastTunnelId: number };

export interface ClaimReply {
  /** Higher than every earlier epoch of any client. */
  readonly epoch: number;
  /** Record of the connection taken over; `null`: the store has what there is. */
  readonly takenOver: ClientRecord | null;
  /** Highest tunnel id given out since the server started. */
  readonly lastTunnelId: number;
}

/**
 * The actor of each shard that keeps its connections. Told by the registrar to end one, for a take-over or because
 * its client is removed; replies the `Ending` when all of it, its tunnels too, has ended.
 */
export const connectionsRef = (thread: number): ActorRef => ({ kind: 'connections', id: String(thread) });
/** Ending a connection takes milliseconds unless its shard hangs; a claimant waits 20 s in all. */
export const TAKE_OVER_TIMEOUT: Milliseconds = 10_000;
export interface TakeOverMessage {
  readonly type: 'take-over';
  readonly attempt: string;
}
