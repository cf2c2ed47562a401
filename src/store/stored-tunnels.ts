/** Stored tunnels and the ports they have. Spec 03 §9. */

import type { ClientId } from '../ids.js';
import type { PortHolder, StoredTunnel } from '../tunnels/stored/stored-tunnel.js';

/** `outdated`: the row is gone or another one by now. Nothing is written unless `changed`. */
export type StoredTunnelChanged = 'changed' | 'outdated' | 'port_taken';

export interface StoredTunnelRepository {
  get(client: ClientId, id: string): StoredTunnel | undefined;
  count(client: ClientId): number;
  /** In no particular order, read as they are asked for. */
  of(client: ClientId): Iterable<StoredTunnel>;
  /**
   * `most`: how many a client may have. Nothing is written unless `added`. `port_taken`: another stored tunnel that
   * opens by itself has the public port. Throws `AppError` 400 when the client's id cannot be stored.
   */
  add(stored: StoredTunnel, most: number): Promise<'added' | 'no_client' | 'too_many' | 'port_taken'>;
  replace(before: StoredTunnel, stored: StoredTunnel): Promise<StoredTunnelChanged>;
  remove(before: StoredTunnel): Promise<StoredTunnelChanged>;
  /** Which stored tunnel has the port for itself. */
  holder(port: number): PortHolder | undefined;
  ports(): Iterable<readonly [port: number, holder: PortHolder]>;
}
