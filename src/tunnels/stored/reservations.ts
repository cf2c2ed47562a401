/**
 * Which ports belong to stored tunnels that open by themselves, as one thread knows it. The table `tunnel_ports` is
 * the truth; what other threads tell only says where to look, so the order of their news does not matter.
 */

import type { ClientId } from '../../ids.js';
import type { Store } from '../../store/store.js';
import type { PortHolder, ReservationChange, StoredTunnel } from './stored-tunnel.js';

export class Reservations {
  readonly #store: Pick<Store, 'storedTunnels'>;
  readonly #holders = new Map<number, PortHolder>();
  readonly #ports = new Map<ClientId, Set<number>>();

  /** Knows nothing before `load`. */
  constructor(store: Pick<Store, 'storedTunnels'>) {
    this.#store = store;
  }

  /** `undefined`: nobody's. */
  holder(port: number): PortHolder | undefined {
    return this.#holders.get(port);
  }

  /** What is to be open while the client is connected, in the order of the ports. Costs a look where there is nothing. */
  autoOpen(client: ClientId): readonly StoredTunnel[] {
    const ports = this.#ports.get(client);
    if (ports === undefined) return [];
    const found: StoredTunnel[] = [];
    for (const port of [...ports].sort((one, other) => one - other)) {
      const holder = this.#holders.get(port);
      const stored = holder && this.#store.storedTunnels.get(holder.clientId, holder.id);
      if (stored?.autoOpen && stored.publicPort === port) found.push(stored);
    }
    return found;
  }

  /** Reads all of them anew. */
  load(): void {
    this.#holders.clear();
    this.#ports.clear();
    for (const [port, holder] of this.#store.storedTunnels.ports()) this.#set(port, holder);
  }

  /** This thread, or another one, has changed something about these ports. */
  apply({ ports }: ReservationChange): void {
    for (const port of ports) this.#set(port, this.#store.storedTunnels.holder(port));
  }

  /** The client was removed, and its stored tunnels with it. */
  clientRemoved(client: ClientId): void {
    this.apply({ ports: [...(this.#ports.get(client) ?? [])] });
  }

  #set(port: number, holder: PortHolder | undefined): void {
    const before = this.#holders.get(port);
    if (before !== undefined) {
      const ports = this.#ports.get(before.clientId);
      ports?.delete(port);
      if (ports?.size === 0) this.#ports.delete(before.clientId);
    }
    if (holder === undefined) {
      this.#holders.delete(port);
      return;
    }
    this.#holders.set(port, holder);
    const ports = this.#ports.get(holder.clientId) ?? new Set();
    ports.add(port);
    this.#ports.set(holder.clientId, ports);
  }
}
