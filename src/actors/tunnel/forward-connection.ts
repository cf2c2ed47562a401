/** One user's connection through a tunnel. Spec 05 §13. */

import type { Socket } from 'node:net';
import type { AgentChannel, AgentSession, ChannelHandlers } from '../../protocol/session.js';
import type { Clock, Milliseconds, Timer } from '../../time.js';
import { ToAgent } from './forward-to-agent.js';
import { ToUser } from './forward-to-user.js';

/**
 * How long a user's socket is still read after the server has sent its FIN. Closing it with unread bytes would
 * send a reset, which can destroy the end of the answer before the user has read it.
 */
const LINGER: Milliseconds = 2_000;

export interface ConnectionOptions {
  readonly socket: Socket;
  readonly session: AgentSession;
  /** `host:port` as seen from the agent. */
  readonly target: string;
  readonly clock: Clock;
  /** The user's socket is gone. Called once, never from within the constructor. */
  readonly onEnded: (connection: Connection) => void;
}

/**
 * There is no half-close: the end of either direction ends both (agents know no other way). What the agent sent
 * before its end still reaches the user.
 */
export class Connection implements ChannelHandlers {
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #toUser: ToUser;
  readonly #toAgent: ToAgent;
  #channel: AgentChannel | null = null;
  #agentEnded = false;
  #linger: Timer | null = null;

  constructor(options: ConnectionOptions) {
    const { socket, session } = options;
    this.#socket = socket;
    this.#clock = options.clock;
    this.#toUser = new ToUser(socket);
    this.#toAgent = new ToAgent(socket);
    // A reset is an end like any other; 'close' follows.
    socket.on('error', ignore);
    socket.on('end', () => this.#endChannel());
    socket.on('close', () => {
      this.#linger?.cancel();
      this.#endChannel();
      options.onEnded(this);
    });
    session.openChannel(options.target, this).then(
      (channel) => this.#attach(channel),
      () => this.#endUser(),
    );
  }

  onData(chunk: Buffer): void {
    this.#toUser.deliver(chunk);
  }

  onDrain(): void {
    this.#toAgent.resume();
  }

  onClose(): void {
    this.#agentEnded = true;
    this.#endUser();
  }

  /** Cuts the user off at once. */
  destroy(): void {
    this.#socket.destroy();
  }

  #attach(channel: AgentChannel): void {
    this.#channel = channel;
    // Either side may be gone by now; the end that came first could not close a channel it did not have.
    if (this.#agentEnded || this.#socket.destroyed) {
      channel.close();
      return;
    }
    this.#toUser.attach(channel);
    this.#toAgent.attach(channel);
  }

  #endChannel(): void {
    if (this.#channel && !this.#channel.closed) this.#channel.close();
  }

  /** Sends what is queued for the user, then FIN. */
  #endUser(): void {
    if (this.#socket.destroyed) return;
    this.#endChannel();
    this.#toAgent.stop();
    this.#socket.end(() => {
      if (this.#socket.destroyed) return;
      this.#linger = this.#clock.after(LINGER, () => this.#socket.destroy());
    });
  }
}

function ignore(): void {
  // The socket's 'close' event does the work.
}
