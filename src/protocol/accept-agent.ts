/** The server's end of one agent connection, from the first byte after the 101 to its end. Spec 01 §4. */

import type { AgentLogin } from '../auth/guard.js';
import type { Clock, Milliseconds } from '../time.js';
import { sendToAgent } from './agent-messages.js';
import type { ByteSocket, ByteSocketHandlers } from './byte-socket.js';
import { createHangUp } from './hang-up.js';
import type { HostKey } from './host-key.js';
import type { AgentSession } from './session.js';
import { ServerAuth } from './session-auth.js';
import { Session } from './session-core.js';
import { DISCONNECT_GRACE, MAX_STRANGER_BYTES, MAX_UNREAD_BYTES } from './session-limits.js';
import type { OfferChoice } from './ssh/algorithms.js';
import { message } from './ssh/messages.js';
import { SshTransport } from './ssh/transport.js';

export interface AcceptAgentOptions {
  readonly socket: ByteSocket;
  readonly hostKey: HostKey;
  readonly login: AgentLogin;
  /** Address for bans; behind a trusted proxy not that of the TCP peer. */
  readonly ip: string;
  readonly clock: Clock;
  /** The agent is authenticated; a receiver must be set with `handle`. Called at most once. */
  readonly onSession: (session: AgentSession) => void;
  /** The connection ended; `authenticated` tells whether `onSession` was called. Called once. */
  readonly onEnd: (cause: string, authenticated: boolean) => void;
  readonly onError: (error: unknown) => void;
  readonly offer?: OfferChoice;
}

/** Both ends of what `acceptAgent` makes. */
export interface AcceptedAgent extends ByteSocketHandlers {
  readonly authenticated: boolean;
  /** Ends a connection that has not authenticated in time; nothing happens to an authenticated one. */
  giveUp(text: string): void;
  /** SSH_MSG_DISCONNECT, then close. */
  disconnect(reason: number, text: string): void;
}

/** Starts the handshake. */
export const acceptAgent = (options: AcceptAgentOptions): AcceptedAgent => {
  const { socket, clock } = options;
  const hangUp = createHangUp(socket, clock);
  let session: Session | null = null;
  let ended = false;
  let grace: Milliseconds = DISCONNECT_GRACE;
  let strangerBytes = 0;

  /** False: too much came before the password; the connection ends. */
  const isWelcome = (bytes: Buffer): boolean => {
    if (session !== null) return true;
    strangerBytes += bytes.length;
    if (strangerBytes <= MAX_STRANGER_BYTES) return true;
    transport.fail('too much data before authentication');
    return false;
  };

  const end = (cause: string): void => {
    if (ended) return;
    ended = true;
    auth.stop();
    session?.lost(cause);
    try {
      options.onEnd(cause, session !== null);
    } catch (error) {
      options.onError(error);
    }
  };

  const auth = new ServerAuth({
    send: (payload) => transport.send(payload),
    disconnect: (reason, text) => transport.disconnect(reason, text),
    verify: (authId, password) => options.login.verify(authId, password, options.ip),
    onSuccess(authId) {
      transport.trustPeer();
      session = new Session({ authId, socket, transport, clock, hangUp: leave, onError: options.onError });
      options.onSession(session);
    },
    onError: options.onError,
  });

  const transport = new SshTransport({
    role: 'server',
    hostKey: options.hostKey,
    ...(options.offer === undefined ? {} : { offer: options.offer }),
    write(bytes, packets) {
      if (sendToAgent(socket, bytes, packets)) return;
      session?.socketFull(true);
      if (socket.bufferedBytes() > MAX_UNREAD_BYTES) transport.destroy('the agent does not read');
    },
    onReady: () => undefined,
    onKeys: () => session?.keysExchanged(),
    onMessage(payload) {
      if (session === null) auth.receive(payload);
      // Left-over authentication requests are ignored, as RFC 4252 §5.1 wants.
      else if ((payload[0] ?? 0) >= message.globalRequest) session.receive(payload);
    },
    onEnd(cause) {
      end(cause);
      hangUp(grace);
    },
  });

  const leave = (cause: string, graceMs: Milliseconds): void => {
    grace = graceMs;
    transport.destroy(cause);
  };

  transport.start();
  return {
    get authenticated() {
      return session !== null;
    },
    onBytes(bytes) {
      if (isWelcome(bytes)) transport.receive(bytes);
    },
    onTransientBytes(bytes) {
      if (isWelcome(bytes)) transport.receiveTransient(bytes);
    },
    onDrain: () => session?.socketFull(false),
    onClose() {
      hangUp.done();
      end('connection closed');
      transport.destroy('connection closed');
    },
    giveUp(text) {
      if (session === null) transport.fail(text);
    },
    disconnect: (reason, text) => transport.disconnect(reason, text),
  };
};
