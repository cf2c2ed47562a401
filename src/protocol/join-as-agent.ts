/**
 * The agent's end of a connection, as far as SSH goes: host key check, password login, then requests and
 * channels. Used by simulated agents in tests and benchmarks.
 */

import type { Clock, Milliseconds } from '../time.js';
import type { ByteSocket, ByteSocketHandlers } from './byte-socket.js';
import { createHangUp } from './hang-up.js';
import { fingerprintOf } from './host-key.js';
import { Session } from './session-core.js';
import { DISCONNECT_GRACE } from './session-limits.js';
import type { OfferChoice } from './ssh/algorithms.js';
import { message } from './ssh/messages.js';
import { SshTransport } from './ssh/transport.js';
import { PacketReader, packet } from './ssh/wire.js';

export interface JoinOptions {
  readonly socket: ByteSocket;
  readonly authId: string;
  readonly password: string;
  /** Prefix the server's fingerprint must have; empty accepts any key. */
  readonly fingerprint: string;
  readonly clock: Clock;
  readonly onJoined: (session: Session) => void;
  /** The connection ended; `joined` tells whether `onJoined` was called. Called once. */
  readonly onEnd: (cause: string, joined: boolean) => void;
  readonly onError: (error: unknown) => void;
  readonly offer?: OfferChoice;
}

/** Starts the handshake. */
export const joinAsAgent = (options: JoinOptions): ByteSocketHandlers => {
  const { socket, authId, clock } = options;
  const hangUp = createHangUp(socket, clock);
  let session: Session | null = null;
  let ended = false;
  let grace: Milliseconds = DISCONNECT_GRACE;
  let triedPassword = false;

  const end = (cause: string): void => {
    if (ended) return;
    ended = true;
    session?.lost(cause);
    options.onEnd(cause, session !== null);
  };

  const authenticate = (payload: Buffer): void => {
    switch (payload[0]) {
      case message.serviceAccept:
        transport.send(packet(message.authRequest, [authId, 'ssh-connection', 'none']));
        return;
      case message.authFailure: {
        const methods = new PacketReader(payload).text() ?? '';
        if (triedPassword || !methods.split(',').includes('password')) {
          transport.destroy('unable to authenticate');
          return;
        }
        triedPassword = true;
        transport.send(
          packet(message.authRequest, [authId, 'ssh-connection', 'password', false, options.password]),
        );
        return;
      }
      case message.authSuccess:
        transport.trustPeer();
        session = new Session({ authId, socket, transport, clock, hangUp: leave, onError: options.onError });
        options.onJoined(session);
        return;
      default:
        transport.fail(`message ${payload[0]} before authentication`);
    }
  };

  const transport = new SshTransport({
    role: 'client',
    verifyHost: (blob) => fingerprintOf(blob).startsWith(options.fingerprint),
    ...(options.offer === undefined ? {} : { offer: options.offer }),
    write(bytes) {
      if (!socket.send(bytes)) session?.socketFull(true);
    },
    onReady: () => transport.send(packet(message.serviceRequest, ['ssh-userauth'])),
    onKeys: () => session?.keysExchanged(),
    onMessage(payload) {
      if (session === null) authenticate(payload);
      else session.receive(payload);
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
    onBytes: (bytes) => transport.receive(bytes),
    onDrain: () => session?.socketFull(false),
    onClose() {
      hangUp.done();
      end('connection closed');
      transport.destroy('connection closed');
    },
  };
};
