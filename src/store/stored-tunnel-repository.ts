/**
 * Tables `stored_tunnels` and `tunnel_ports`. A port and the tunnel that has it change in one transaction, which also
 * decides who gets a port that two threads want at once.
 */

import { type ClientId, clientId } from '../ids.js';
import type { Logger } from '../logging/logger.js';
import type { PortHolder, StoredTunnel } from '../tunnels/stored/stored-tunnel.js';
import { committed } from './commit.js';
import { checkKeyText, isKeyText } from './key.js';
import { rowFields } from './row-fields.js';
import type { StoredTunnelChanged, StoredTunnelRepository } from './stored-tunnels.js';
import type { OpenedTables } from './tables.js';

type Tables = Pick<OpenedTables, 'clients' | 'storedTunnels' | 'tunnelPorts'>;
type Key = [client: string, id: string];

/** Sorts behind every id. */
const LAST = '\u{10ffff}';

const rangeOf = (client: ClientId): { start: Key; end: Key } => ({
  start: [client, ''],
  end: [client, LAST],
});

export function createStoredTunnelRepository(tables: Tables, log: Logger): StoredTunnelRepository {
  const { clients, storedTunnels: rows, tunnelPorts: ports } = tables;

  const read = (client: ClientId, id: string): StoredTunnel | undefined => {
    const text = rows.get([client, id]);
    return text === undefined ? undefined : decode(client, id, text);
  };

  const decode = (client: ClientId, id: string, text: string): StoredTunnel | undefined => {
    const stored = decodeStoredTunnel(client, id, text);
    if (stored === undefined) {
      log.error(`stored tunnel ${JSON.stringify(id)}: the row is unreadable, skipped`);
    }
    return stored;
  };

  /** Inside a transaction. `false`: its port is another one's. */
  const save = (stored: StoredTunnel, before: StoredTunnel | null): boolean => {
    const port = portOf(stored);
    const holder = port === null ? undefined : readHolder(ports.get(port));
    if (holder !== undefined && (holder.clientId !== stored.clientId || holder.id !== stored.id))
      return false;
    free(before);
    if (port !== null) ports.put(port, JSON.stringify([stored.clientId, stored.id]));
    rows.put([stored.clientId, stored.id], JSON.stringify(stored));
    return true;
  };

  const free = (stored: StoredTunnel | null): void => {
    const port = stored === null ? null : portOf(stored);
    if (port !== null) ports.remove(port);
  };

  /** Runs `change` in one transaction if the row still is what it was. */
  const ifUnchanged = async (
    before: StoredTunnel,
    change: () => StoredTunnelChanged,
  ): Promise<StoredTunnelChanged> => {
    let outcome: StoredTunnelChanged = 'changed';
    await committed(
      rows.transaction(() => {
        const present = read(before.clientId, before.id);
        outcome = present?.revision === before.revision ? change() : 'outdated';
      }),
    );
    return outcome;
  };

  return {
    get(client, id) {
      if (!isKeyText(client) || !isKeyText(id)) return undefined;
      rows.resetReadTxn();
      return read(client, id);
    },

    count(client) {
      if (!isKeyText(client)) return 0;
      rows.resetReadTxn();
      return rows.getKeysCount(rangeOf(client));
    },

    *of(client) {
      if (!isKeyText(client)) return;
      rows.resetReadTxn();
      for (const { key, value } of rows.getRange({ ...rangeOf(client), snapshot: false })) {
        const stored = decode(client, key[1], value);
        if (stored !== undefined) yield stored;
      }
    },

    async add(stored, most) {
      checkKeyText(stored.clientId);
      checkKeyText(stored.id);
      let outcome: Awaited<ReturnType<StoredTunnelRepository['add']>> = 'added';
      await committed(
        rows.transaction(() => {
          // Nothing may be left of a client that is removed at this moment.
          if (clients.get(stored.clientId) === undefined) outcome = 'no_client';
          else if (rows.getKeysCount(rangeOf(stored.clientId)) >= most) outcome = 'too_many';
          else if (!save(stored, null)) outcome = 'port_taken';
        }),
      );
      return outcome;
    },

    replace(before, stored) {
      return ifUnchanged(before, () => (save(stored, before) ? 'changed' : 'port_taken'));
    },

    remove(before) {
      return ifUnchanged(before, () => {
        free(before);
        rows.remove([before.clientId, before.id]);
        return 'changed';
      });
    },

    holder(port) {
      ports.resetReadTxn();
      return readHolder(ports.get(port));
    },

    *ports() {
      ports.resetReadTxn();
      for (const { key, value } of ports.getRange({ snapshot: false })) {
        const holder = readHolder(value);
        if (holder !== undefined) yield [key, holder];
      }
    },
  };
}

/** Inside a transaction: all stored tunnels of a client, and their ports. */
export function removeStoredTunnels({ storedTunnels, tunnelPorts }: Tables, client: ClientId): void {
  for (const { key, value } of [...storedTunnels.getRange(rangeOf(client))]) {
    const stored = decodeStoredTunnel(client, key[1], value);
    const port = stored === undefined ? null : portOf(stored);
    if (port !== null) tunnelPorts.remove(port);
    storedTunnels.remove(key);
  }
}

/** The port it has for itself. */
const portOf = ({ autoOpen, publicPort }: StoredTunnel): number | null => (autoOpen ? publicPort : null);

function readHolder(text: string | undefined): PortHolder | undefined {
  if (text === undefined) return undefined;
  const [client, id] = JSON.parse(text) as [string, string];
  return { clientId: clientId(client), id };
}

function decodeStoredTunnel(client: ClientId, id: string, text: string): StoredTunnel | undefined {
  const fields = rowFields(text);
  const integerOrNull = (key: string): number | null =>
    (fields.raw(key) ?? null) === null ? null : fields.integer(key);
  const stored: StoredTunnel = {
    id: fields.text('id'),
    clientId: client,
    createdAt: fields.text('createdAt'),
    name: fields.text('name'),
    scheme: fields.textOrNull('scheme'),
    remoteIp: fields.textOrNull('remoteIp'),
    remotePort: integerOrNull('remotePort'),
    publicPort: integerOrNull('publicPort'),
    acl: fields.textOrNull('acl'),
    furtherOptions: fields.textOrNull('furtherOptions'),
    autoOpen: fields.flag('autoOpen'),
    owner: fields.text('owner'),
    revision: fields.integer('revision'),
  };
  return fields.fits && stored.id === id ? stored : undefined;
}
