/** The server's part of user authentication. Spec 01 §4.8. */

import { disconnectReason, message } from './ssh/messages.js';
import { PacketReader, packet } from './ssh/wire.js';

const USER_AUTH = 'ssh-userauth';
const CONNECTION = 'ssh-connection';

/** Failed attempts per connection; the first `none` is free. */
const MAX_FAILURES = 6;

/** Requests that may wait while a password is being checked; an honest agent sends none. */
const MAX_WAITING = 8;

/** Longest user name and password looked at. */
const MAX_CREDENTIAL_BYTES = 4096;

export interface AuthPeer {
  send(payload: Buffer): void;
  /** SSH_MSG_DISCONNECT with reason and text, then close. */
  disconnect(reason: number, text: string): void;
  /** The client auth id that the agent goes by from now on; `null`: refused. */
  verify(authId: string, password: string): Promise<string | null>;
  onSuccess(authId: string): void;
  onError(error: unknown): void;
}

const failure = packet(message.authFailure, ['password', false]);

export class ServerAuth {
  #serviceAccepted = false;
  #failures = 0;
  #noneSeen = false;
  /** A password is being checked. */
  #checking = false;
  #waiting: Buffer[] = [];
  #over = false;

  constructor(private readonly peer: AuthPeer) {}

  /** One payload of the peer before it is authenticated. */
  receive(payload: Buffer): void {
    if (this.#over) return;
    if (this.#checking) {
      this.#waiting.push(payload);
      if (this.#waiting.length > MAX_WAITING) this.#close('too many messages during authentication');
      return;
    }
    switch (payload[0]) {
      case message.serviceRequest:
        this.#service(payload);
        return;
      case message.authRequest:
        this.#request(payload);
        return;
      default:
        this.#close(`message ${payload[0]} before authentication`);
        return;
    }
  }

  /** The connection is gone. */
  stop(): void {
    this.#over = true;
    this.#waiting = [];
  }

  #service(payload: Buffer): void {
    const name = new PacketReader(payload).text();
    if (name !== USER_AUTH) {
      this.#over = true;
      this.peer.disconnect(disconnectReason.serviceNotAvailable, 'service not available');
      return;
    }
    this.#serviceAccepted = true;
    this.peer.send(packet(message.serviceAccept, [USER_AUTH]));
  }

  #request(payload: Buffer): void {
    const reader = new PacketReader(payload);
    const user = reader.string();
    const service = reader.text();
    const method = reader.text();
    if (!this.#serviceAccepted || user === null || service !== CONNECTION || method === null) {
      this.#close('malformed authentication request');
      return;
    }
    if (method === 'none' && !this.#noneSeen) {
      this.#noneSeen = true;
      this.peer.send(failure);
      return;
    }
    if (method !== 'password') {
      this.#fail();
      return;
    }
    const change = reader.boolean();
    const password = reader.string();
    if (change !== false || password === null || !reader.atEnd) {
      this.#close('malformed authentication request');
      return;
    }
    if (user.length > MAX_CREDENTIAL_BYTES || password.length > MAX_CREDENTIAL_BYTES) {
      this.#fail();
      return;
    }
    this.#check(user.toString('utf8'), password.toString('utf8'));
  }

  #check(authId: string, password: string): void {
    this.#checking = true;
    const decide = (verified: string | null): void => {
      this.#checking = false;
      if (this.#over) return;
      if (verified !== null) {
        this.#over = true;
        this.peer.send(packet(message.authSuccess, []));
        this.peer.onSuccess(verified);
        return;
      }
      this.#fail();
      for (const waiting of this.#waiting.splice(0)) this.receive(waiting);
    };
    const failed = (error: unknown): null => {
      this.peer.onError(error);
      return null;
    };
    this.peer.verify(authId, password).catch(failed).then(decide).catch(failed);
  }

  #fail(): void {
    this.#failures += 1;
    if (this.#failures < MAX_FAILURES) {
      this.peer.send(failure);
      return;
    }
    this.#over = true;
    this.#waiting = [];
    this.peer.disconnect(disconnectReason.protocolError, 'too many authentication failures');
  }

  #close(text: string): void {
    this.#over = true;
    this.#waiting = [];
    this.peer.disconnect(disconnectReason.protocolError, text);
  }
}
