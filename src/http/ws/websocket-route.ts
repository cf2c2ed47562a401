/**
 * A WebSocket route is data, like the others: the same routing, the same checks of who may come in. Everything that
 * can be refused is refused before the upgrade, as an ordinary answer. Spec 02 §5.4, 04 §12 and §13.
 */

import type { TSchema } from 'typebox';
import type { Principal } from '../../auth/principal.js';
import type { ApiContext } from '../context.js';
import type { Access, ApiRequest, RouteHead } from '../route.js';

/** Why the server closes a socket: codes of RFC 6455 §7.4.1, and of ours behind the 4 a status of HTTP. */
export const closeCodes = {
  /** All has been said. */
  done: 1000,
  /** The server stops, or goes by another configuration. */
  goingAway: 1001,
  /** A message that cannot be understood. */
  badMessage: 1007,
  /** A message longer than the route takes. */
  tooLong: 1009,
  /** The handler failed. */
  internal: 1011,
  /** The reader is too slow for what there is to send. */
  tooSlow: 1013,
  /** The token or session has ended, or the user is gone. */
  unauthorized: 4401,
  /** The user may not do this any more. */
  forbidden: 4403,
} as const;

/** One open WebSocket as a handler sees it. */
export interface ApiSocket {
  /** Who is there, as he is now: groups and permissions may change while the socket is open. */
  readonly principal: Principal;
  /**
   * Sends one text message, of any length; bytes have to be UTF-8. `false`: more is buffered than is good, wait for
   * `onDrain`. Who goes on regardless is closed with `tooSlow` at some point. After the end nothing happens.
   */
  send(text: string | Uint8Array): boolean;
  /** Bytes sent that the other side's machine has not taken yet. */
  bufferedBytes(): number;
  /** Sends what is buffered, a Close frame, and ends. */
  close(code: number, reason?: string): void;
}

/** What a handler hears. All of it is optional; an exception closes this socket only. */
export interface SocketHandlers {
  /** Text or binary, as UTF-8; no longer than `maxMessageBytes`. */
  onMessage?(text: string): void;
  onDrain?(): void;
  /** The socket is gone, whoever ended it. Called once, last of all. */
  onClose?(): void;
}

/** Called when the upgrade is done. */
export type Conversation = (socket: ApiSocket) => SocketHandlers;

export interface WebSocketRoute extends RouteHead {
  readonly method: 'GET';
  readonly access: Extract<Access, { readonly kind: 'user' }>;
  readonly messages: {
    /** Of each message to the caller. */
    readonly sends: TSchema;
    /** Of what the caller may send; absent: it is read and ignored. */
    readonly receives?: TSchema;
  };
  /** Of one message of the caller. */
  readonly maxMessageBytes: number;
  /** Before the upgrade: throws `AppError` for what is to be refused. */
  readonly open: (
    request: ApiRequest & { readonly principal: Principal },
    context: ApiContext,
  ) => Conversation | Promise<Conversation>;
}
