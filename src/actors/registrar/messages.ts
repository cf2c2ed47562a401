/**
 * The registrar is the one actor, on main, that decides which session owns a client id. Claims are handled one
 * after another, so two shards can never both accept the same client. Spec 01 §6.5 and §6.8.
 */

import type { ClientId } from '../../ids.js';
import type { ActorRef } from '../runtime/types.js';

export const REGISTRAR: ActorRef = { kind: 'registrar', id: 'main' };

export type RegistrarMessage =
  /**
   * A session wants to become client `id`. Replies `ClaimReply`, or refuses with the texts of spec 01 §6.5
   * (`client is already connected: …`, `client auth ID is already in use: …`).
   */
  | {
      readonly type: 'claim';
      readonly id: ClientId;
      readonly authId: string;
      readonly sessionId: string;
      readonly name: string;
      readonly thread: number;
    }
  /** The connection of this epoch has ended; an older epoch changes nothing. */
  | { readonly type: 'release'; readonly id: ClientId; readonly epoch: number }
  /** The record is gone (deleted or purged). */
  | { readonly type: 'forget'; readonly id: ClientId };

export interface ClaimReply {
  /** Higher than every earlier epoch of this client. */
  readonly epoch: number;
  /** The same agent process is still connected there; its connection must be closed before going on. */
  readonly replaces: { readonly thread: number; readonly epoch: number } | null;
}
