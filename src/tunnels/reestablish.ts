/** Which tunnels of a client's last connection come back at its next one. Spec 05 §11.2, 01 §6.9. */

import type { Remote, TunnelRecord } from './remote.js';
import { isLocalSpecified, remoteText, targetAddress } from './remote-text.js';

export interface Reestablished {
  /** Without `lhost` and `lport` where the port was random. */
  readonly remote: Remote;
  /** The port a random one had: worth trying first, so that users keep their address. */
  readonly preferredPort: number | null;
}

/**
 * The old tunnels to start besides the `requested` ones, in their old order. None at all unless every requested
 * one was there before: the agent's configuration has changed then.
 */
export function remotesToReestablish(
  old: readonly (TunnelRecord | Remote)[],
  requested: readonly Remote[],
): Reestablished[] {
  if (requested.length > old.length) return [];
  const requestedBefore = new Set<Remote>();
  const claim = (byKey: Map<string, Remote[]>, key: string): boolean => {
    const candidates = byKey.get(key);
    // Heads are skipped lazily: one remote is a candidate under both keys.
    for (let next = candidates?.shift(); next; next = candidates?.shift()) {
      if (requestedBefore.has(next)) continue;
      requestedBefore.add(next);
      return true;
    }
    return false;
  };

  const byText = groupBy(old, remoteText);
  const explicit = requested.filter(isLocalSpecified);
  if (!explicit.every((remote) => claim(byText, remoteText(remote)))) return [];

  const byTarget = groupBy(
    old.filter((remote) => remote.lportRandom),
    targetKey,
  );
  const random = requested.filter((remote) => !isLocalSpecified(remote));
  if (!random.every((remote) => claim(byTarget, targetKey(remote)))) return [];

  return old.filter((remote) => !requestedBefore.has(remote)).map(reopened);
}

/** quirk: the protocol does not count here. */
const targetKey = (remote: Remote): string => JSON.stringify([targetAddress(remote), remote.acl]);

function reopened(old: TunnelRecord | Remote): Reestablished {
  const { id: _id, createdAt: _createdAt, ...remote } = old as TunnelRecord;
  if (!remote.lportRandom) return { remote, preferredPort: null };
  const port = Number(remote.lport);
  return {
    remote: { ...remote, lhost: '', lport: '' },
    preferredPort: Number.isInteger(port) && port > 0 && port < 65_536 ? port : null,
  };
}

function groupBy(remotes: readonly Remote[], key: (remote: Remote) => string): Map<string, Remote[]> {
  const groups = new Map<string, Remote[]>();
  for (const remote of remotes) {
    const text = key(remote);
    const group = groups.get(text);
    if (group) group.push(remote);
    else groups.set(text, [remote]);
  }
  return groups;
}
