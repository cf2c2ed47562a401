/**
 * The ports tunnels may listen on, one instance per thread. Spec 05 §7.2.
 *
 * A port is taken by binding it; the system settles races between threads and with other programs. What is known
 * to be taken is only remembered so as not to try in vain, hence opening a tunnel costs the same however many
 * there are: no table of the machine's sockets is read unless binding has failed several times in a row.
 */

import type { Server, Socket } from 'node:net';
import type { PortRange } from '../../config/types.js';
import type { Clock, Milliseconds } from '../../time.js';
import { ANY_HOST } from '../parse-remote.js';
import { listen } from './listen.js';
import { readListeningPorts } from './listening-ports.js';

export type PortErrorCode = 'not_allowed' | 'in_use' | 'exhausted' | 'bind_failed';

export class PortError extends Error {
  constructor(
    readonly code: PortErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'PortError';
  }
}

export interface OpenPort {
  readonly server: Server;
  readonly host: string;
  readonly port: number;
}

/** Ports that are kept for somebody, whether he listens or not. */
export interface ReservedPorts {
  /** For the stored tunnel of this id; `undefined`: for nobody. */
  holder(port: number): { readonly clientId: string; readonly id: string } | undefined;
}

const NOTHING_RESERVED: ReservedPorts = { holder: () => undefined };
const PORTS = 65_536;
/** After this many ports in a row turned out busy, looking at the machine's sockets is cheaper than trying on. */
const TRIES_BEFORE_LOOKING = 8;
/** How long a look at the machine's sockets is good for. */
const LOOK_AGAIN: Milliseconds = 1_000;
/** Ports others were seen to use are tried again after this. */
const FORGET_BUSY: Milliseconds = 10_000;

export class LocalPorts {
  readonly #allowed: Uint16Array;
  readonly #isAllowed = new Uint8Array(PORTS);
  /** Ports tunnels of this thread hold. */
  readonly #taken = new Uint8Array(PORTS);
  /** Ports others were found to hold. */
  #busy = new Uint8Array(PORTS);
  #busyForgottenAt: Milliseconds;
  #look: { readonly at: Milliseconds; readonly ports: Promise<ReadonlySet<number> | null> } | null = null;

  constructor(
    allowed: readonly PortRange[],
    private readonly clock: Clock,
    private readonly random: () => number = Math.random,
    private readonly readListening = readListeningPorts,
    private readonly reserved: ReservedPorts = NOTHING_RESERVED,
  ) {
    for (const { from, to } of allowed) this.#isAllowed.fill(1, from, to + 1);
    // The system would read port 0 as "any".
    this.#isAllowed[0] = 0;
    this.#allowed = Uint16Array.from(range(PORTS).filter((port) => this.#isAllowed[port] === 1));
    this.#busyForgottenAt = clock.now();
  }

  isAllowed(port: number): boolean {
    return this.#isAllowed[port] === 1;
  }

  /** Whether a tunnel of this thread holds the port, on whatever address. */
  isTaken(port: number): boolean {
    return this.#taken[port] === 1;
  }

  /** Whether it is kept for a stored tunnel. */
  isReserved(port: number): boolean {
    return this.reserved.holder(port) !== undefined;
  }

  /** Whether it is kept for a stored tunnel of this client. */
  isReservedFor(client: string, port: number): boolean {
    return this.reserved.holder(port)?.clientId === client;
  }

  /** Whether anything on this machine listens on the port; not known (false) outside Linux. */
  async isListening(port: number): Promise<boolean> {
    return (await this.#listening())?.has(port) ?? false;
  }

  /**
   * Rejects with `PortError`: `not_allowed`, `in_use` or `bind_failed`.
   * @param storedId of the stored tunnel it is for, which gets no port but its own
   */
  async open(
    host: string,
    port: number,
    onSocket: (socket: Socket) => void,
    storedId?: string,
  ): Promise<OpenPort> {
    if (!this.isAllowed(port)) throw new PortError('not_allowed', `port ${port} is not allowed`);
    const free = !this.isTaken(port) && this.reserved.holder(port)?.id === storedId;
    const server = free ? await this.#tryBind(host, port, onSocket) : null;
    if (!server) throw new PortError('in_use', `port ${port} is in use`);
    return { server, host, port };
  }

  /** Any free port, `preferred` if possible. Rejects with `PortError`: `exhausted` or `bind_failed`. */
  async openAny(preferred: number | null, onSocket: (socket: Socket) => void): Promise<OpenPort> {
    if (preferred !== null && this.isAllowed(preferred) && this.#isFree(preferred)) {
      const server = await this.#tryBind(ANY_HOST, preferred, onSocket);
      if (server) return { server, host: ANY_HOST, port: preferred };
    }
    this.#forgetOldBusy();
    const began = this.clock.now();
    let looked = false;
    for (let tries = 1; ; tries += 1) {
      const port = this.#pick();
      if (port === undefined) {
        if (looked) throw new PortError('exhausted', 'no ports available');
        // What was seen busy may be free again, also what others held at the last look.
        looked = true;
        this.#busy.fill(0);
        await this.#markListening(began);
        continue;
      }
      const server = await this.#tryBind(ANY_HOST, port, onSocket);
      if (server) return { server, host: ANY_HOST, port };
      this.#busy[port] = 1;
      if (tries % TRIES_BEFORE_LOOKING === 0) await this.#markListening();
    }
  }

  /** As far as this server is concerned. */
  #isFree(port: number): boolean {
    return this.#taken[port] === 0 && !this.isReserved(port);
  }

  /** A port neither taken, reserved nor busy: the first one from a random place. */
  #pick(): number | undefined {
    const count = this.#allowed.length;
    const start = Math.floor(this.random() * count);
    for (let step = 0; step < count; step += 1) {
      const port = this.#allowed[(start + step) % count] ?? 0;
      if (this.#busy[port] === 0 && this.#isFree(port)) return port;
    }
    return undefined;
  }

  /** `null`: somebody else has it. The port counts as taken until the server is closed. */
  async #tryBind(host: string, port: number, onSocket: (socket: Socket) => void): Promise<Server | null> {
    this.#taken[port] = 1;
    try {
      const server = await listen(host, port, onSocket);
      server.once('close', () => {
        this.#taken[port] = 0;
      });
      return server;
    } catch (error) {
      this.#taken[port] = 0;
      if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return null;
      throw new PortError('bind_failed', (error as Error).message, { cause: error });
    }
  }

  #forgetOldBusy(): void {
    const now = this.clock.now();
    if (now - this.#busyForgottenAt < FORGET_BUSY) return;
    this.#busyForgottenAt = now;
    this.#busy.fill(0);
  }

  async #markListening(after?: Milliseconds): Promise<void> {
    for (const port of (await this.#listening(after)) ?? []) this.#busy[port] = 1;
  }

  /** Own ones are known anyway, and may be free again while the look still counts. */
  #withoutOwn(ports: ReadonlySet<number> | null): ReadonlySet<number> | null {
    return ports && new Set([...ports].filter((port) => !this.isTaken(port)));
  }

  /** As seen a second ago at most, and later than `after`. */
  #listening(after?: Milliseconds): Promise<ReadonlySet<number> | null> {
    const now = this.clock.now();
    const isOld = (at: Milliseconds): boolean =>
      now - at >= LOOK_AGAIN || (after !== undefined && at <= after);
    if (!this.#look || isOld(this.#look.at)) {
      this.#look = { at: now, ports: this.readListening().then((ports) => this.#withoutOwn(ports)) };
    }
    return this.#look.ports;
  }
}

const range = (length: number): number[] => Array.from({ length }, (_, index) => index);
