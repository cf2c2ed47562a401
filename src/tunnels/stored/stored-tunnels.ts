/** Changes stored tunnels: the store first, then all threads, then the client that has to open or close something. */

import type { Principal } from '../../auth/principal.js';
import { checkTunnelRequest, mayTerminateForeign } from '../../auth/restrictions/check-tunnel.js';
import { AppError } from '../../errors.js';
import { goQuote } from '../../go/quote.js';
import type { ClientId } from '../../ids.js';
import type { Store } from '../../store/store.js';
import { type Clock, instant } from '../../time.js';
import { ANY_HOST } from '../parse-remote.js';
import { type LocalPorts, type OpenPort, PortError } from '../ports/local-ports.js';
import { checkAutoOpen } from './check-auto-open.js';
import type { Reservations } from './reservations.js';
import {
  type ReservationChange,
  remoteOf,
  type StoredTunnel,
  type StoredTunnelInput,
} from './stored-tunnel.js';

/** The list of one client is read and sorted for each request; a thousand rows take some milliseconds. */
const MOST_PER_CLIENT = 1000;
/** Two people changing one stored tunnel at the same moment need two; more is no coincidence. */
const MOST_TRIES = 8;
const FOREIGN_TUNNEL = 'You are not allowed to terminate tunnels of other users';

/** Who changes something. */
export type Caller = Pick<Principal, 'username' | 'tunnelRestrictions'>;

/**
 * Each method resolves when the change is on disk, every thread goes by it, and a connected client has tried to open
 * or has closed what it is about. Whether it could be opened does not matter to the change.
 */
export interface StoredTunnels {
  /**
   * Throws `AppError`: 404 when the client is gone, 409 when it has too many, 400 when it cannot open by itself, is
   * forbidden to the caller, or its port is not free.
   */
  add(client: ClientId, input: StoredTunnelInput, caller: Caller): Promise<StoredTunnel>;
  /** Throws as `add` does; 404 also for an unknown id, 403 when it opens another user's tunnel and that is forbidden. */
  replace(client: ClientId, id: string, input: StoredTunnelInput, caller: Caller): Promise<StoredTunnel>;
  /** Resolves with what was removed, `null` when unknown. Throws `AppError` 403 as `replace` does. */
  remove(client: ClientId, id: string, caller: Caller): Promise<StoredTunnel | null>;
}

export interface StoredTunnelsOptions {
  readonly store: Pick<Store, 'storedTunnels' | 'flushed'>;
  readonly reservations: Reservations;
  /** Of this thread. */
  readonly ports: LocalPorts;
  readonly clock: Clock;
  readonly newId: () => string;
  /** Sends to all other threads, on `STORED_TUNNELS_TOPIC`. */
  readonly publish: (change: ReservationChange) => void;
  /** Resolves when they have handled what was sent. */
  readonly published: () => Promise<void>;
  /** Has the client's actor, if it is connected, open and close what has changed. Never rejects. */
  readonly sync: (client: ClientId) => Promise<void>;
}

export function createStoredTunnels(options: StoredTunnelsOptions): StoredTunnels {
  const { store, reservations, ports, clock } = options;
  const table = store.storedTunnels;

  const check = (input: StoredTunnelInput, { username, tunnelRestrictions }: Caller): void => {
    if (!input.autoOpen) return;
    const remote = remoteOf({ ...input, owner: username });
    checkAutoOpen(input, remote, (port) => ports.isAllowed(port));
    checkTunnelRequest(tunnelRestrictions, { remote, parameter: () => undefined });
  };

  const announce = async (changed: readonly StoredTunnel[]): Promise<void> => {
    const reserved = changed.flatMap((stored) =>
      stored.autoOpen && stored.publicPort !== null ? [stored.publicPort] : [],
    );
    if (reserved.length > 0) {
      reservations.apply({ ports: reserved });
      options.publish({ ports: reserved });
    }
    await Promise.all([store.flushed(), options.published()]);
  };

  const sync = async (client: ClientId, changed: readonly StoredTunnel[]): Promise<void> => {
    if (changed.some(({ autoOpen }) => autoOpen)) await options.sync(client);
  };

  /**
   * Runs `change` while this thread listens on the port, one of its choice if none is given: so nobody else can take
   * it between the look and the moment from which every thread knows that it is reserved.
   */
  const holding = async <Outcome>(
    stored: StoredTunnel,
    change: (stored: StoredTunnel) => Promise<Outcome>,
  ): Promise<Outcome> => {
    const held = await hold(ports, stored.publicPort);
    try {
      return await change({ ...stored, publicPort: held.port });
    } finally {
      await new Promise<void>((resolve) => held.server.close(() => resolve()));
    }
  };

  const found = (client: ClientId, id: string, caller: Caller): StoredTunnel | undefined => {
    const before = table.get(client, id);
    const foreign = before?.autoOpen && before.owner !== caller.username;
    if (foreign && !mayTerminateForeign(caller.tunnelRestrictions)) {
      throw new AppError('forbidden', { title: FOREIGN_TUNNEL });
    }
    return before;
  };

  return {
    async add(clientId, input, caller) {
      check(input, caller);
      const write = async (stored: StoredTunnel): Promise<StoredTunnel> => {
        switch (await table.add(stored, MOST_PER_CLIENT)) {
          case 'added':
            await announce([stored]);
            return stored;
          case 'no_client':
            throw new AppError('not_found', { title: `client with id ${goQuote(clientId)} not found` });
          case 'too_many':
            throw new AppError('conflict', {
              title: `A client may have at most ${MOST_PER_CLIENT} stored tunnels.`,
            });
          case 'port_taken':
            throw portReserved(stored);
        }
      };
      const created: StoredTunnel = {
        ...input,
        id: options.newId(),
        clientId,
        createdAt: instant(clock.now()),
        owner: caller.username,
        revision: 1,
      };
      const stored = created.autoOpen ? await holding(created, write) : await write(created);
      await sync(clientId, [stored]);
      return stored;
    },

    async replace(clientId, id, input, caller) {
      for (let tries = 0; tries < MOST_TRIES; tries += 1) {
        const before = found(clientId, id, caller);
        if (before === undefined) throw unknown(id);
        // The port chosen for it once stays.
        const keptPort = input.autoOpen && before.autoOpen ? before.publicPort : null;
        const wanted = { ...input, publicPort: input.publicPort ?? keptPort };
        check(wanted, caller);
        const next: StoredTunnel = {
          ...wanted,
          id,
          clientId,
          createdAt: before.createdAt,
          owner: caller.username,
          revision: before.revision + 1,
        };
        const write = async (stored: StoredTunnel): Promise<StoredTunnel | null> => {
          const outcome = await table.replace(before, stored);
          if (outcome === 'port_taken') throw portReserved(stored);
          if (outcome === 'outdated') return null;
          await announce([before, stored]);
          return stored;
        };
        const samePort = before.autoOpen && before.publicPort === next.publicPort;
        const stored = next.autoOpen && !samePort ? await holding(next, write) : await write(next);
        if (stored === null) continue;
        await sync(clientId, [before, stored]);
        return stored;
      }
      throw new AppError('overloaded');
    },

    async remove(clientId, id, caller) {
      for (let tries = 0; tries < MOST_TRIES; tries += 1) {
        const before = found(clientId, id, caller);
        if (before === undefined) return null;
        if ((await table.remove(before)) === 'outdated') continue;
        await announce([before]);
        await sync(clientId, [before]);
        return before;
      }
      throw new AppError('overloaded');
    },
  };
}

async function hold(ports: LocalPorts, port: number | null): Promise<OpenPort> {
  try {
    if (port === null) return await ports.openAny(null, (socket) => socket.destroy());
    return await ports.open(ANY_HOST, port, (socket) => socket.destroy());
  } catch (error) {
    if (!(error instanceof PortError)) throw error;
    switch (error.code) {
      case 'in_use':
        throw portInUse(port, ports.isReserved(port ?? 0) ? RESERVED : '');
      case 'not_allowed':
        throw new AppError('bad_request', { title: `Local port ${port} is not among allowed ports.` });
      case 'exhausted':
        throw new AppError('internal', { title: error.message });
      case 'bind_failed':
        throw new AppError('conflict', { title: `unable to start tunnel: ${error.message}` });
    }
  }
}

const RESERVED = 'It is reserved for a stored tunnel.';

const portReserved = ({ publicPort }: StoredTunnel): AppError => portInUse(publicPort, RESERVED);

const portInUse = (port: number | null, detail: string): AppError =>
  new AppError('bad_request', {
    title: `Port ${port} already in use.`,
    detail,
    apiCode: 'ERR_CODE_LOCAL_PORT_IN_USE',
  });

const unknown = (id: string): AppError =>
  new AppError('not_found', { title: `stored tunnel with id ${goQuote(id)} not found` });
