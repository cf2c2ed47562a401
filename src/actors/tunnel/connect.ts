/** Tunnels at the moment a client connects. Spec 05 §11, 01 §6.5 and §6.9. */

import { AppError } from '../../errors.js';
import type { AgentSession } from '../../protocol/session.js';
import type { Milliseconds, Timer } from '../../time.js';
import { atLeast, parseAgentVersion } from '../../tunnels/agent-version.js';
import { type Reestablished, remotesToReestablish } from '../../tunnels/reestablish.js';
import type { Remote, TunnelRecord } from '../../tunnels/remote.js';
import { remoteText } from '../../tunnels/remote-text.js';
import { askTunnelAllowed, isDenial } from './ask-agent.js';
import { startTunnel, type TunnelDeps, type TunnelParent } from './create.js';
import type { TunnelList } from './list.js';

export interface ConnectRequest {
  readonly session: AgentSession;
  /** `Version` of the agent. */
  readonly version: string;
  /** `Remotes` of its request. */
  readonly requested: readonly Remote[];
  /** Tunnels of the stored record; `null` when the client was not known. */
  readonly old: readonly TunnelRecord[] | null;
}

export interface ConnectResult {
  /** For the reply, in the order started, ports filled in. */
  readonly remotes: readonly Remote[];
  /** Old tunnels that could not be started again or asked for in time, and those that need a feature not there, with the reason. */
  readonly skipped: readonly { readonly remote: Remote; readonly reason: string }[];
}

/** First release whose agents know `check_tunnel_allowed`. */
const ASKS_SINCE = '0.6.4';
/**
 * For all questions together. The agent waits 30 s for the reply to `new_connection`, of which the claim of its id
 * and the start of the tunnels need their part.
 */
const ASKING_LIMIT: Milliseconds = 15_000;
const NOT_ASKED = `the agent did not say within ${ASKING_LIMIT / 1000} s whether it is allowed`;

/**
 * Starts what the agent asks for and what survives of its old tunnels, old random ones on their former port
 * where it is still free. Rejects with an `AppError` that `connectFailureText` turns into the reply; what was
 * started by then stops with the calling actor.
 */
export async function openTunnelsAtConnect(
  ctx: TunnelParent,
  deps: TunnelDeps,
  list: TunnelList,
  request: ConnectRequest,
): Promise<ConnectResult> {
  const { session } = request;
  const remotes: Remote[] = [];
  const skipped: { remote: Remote; reason: string }[] = [];
  const skip = (remote: Remote, reason: string): void => {
    skipped.push({ remote, reason });
    deps.log.error(`tunnel ${remoteText(remote)} not started: ${reason}`);
  };

  const requested = request.requested.filter((remote) => {
    if (!deps.ports.isReservedFor(ctx.self.id, Number(remote.lport))) return true;
    // It must not lock its own agent out.
    skip(remote, 'the port is reserved for a stored tunnel of this client');
    return false;
  });
  // Stored tunnels come back by themselves, or not at all.
  const old = request.old?.filter(({ storedId }) => storedId === undefined) ?? null;
  const survivors = old === null ? [] : await oldTunnels(ctx, { ...request, requested }, old, skip);

  for (const remote of requested) {
    const missing = missingFeature(remote);
    if (missing !== null) skip(remote, missing);
    else remotes.push(await startTunnel(ctx, deps, list, session, remote, null));
  }
  for (const { remote, preferredPort } of survivors) {
    const missing = missingFeature(remote);
    if (missing !== null) {
      skip(remote, missing);
      continue;
    }
    try {
      remotes.push(await startTunnel(ctx, deps, list, session, remote, preferredPort));
    } catch (error) {
      // An old tunnel must never keep its agent out (decision "old tunnel that cannot restart").
      if (session.closed) throw error;
      skip(remote, connectFailureText(error));
    }
  }
  return { remotes, skipped };
}

/**
 * What this server does not have yet and the tunnel cannot do without. A tunnel that merely asks for an HTTP proxy
 * starts without one, as in the reference; one behind a password must not.
 */
function missingFeature(remote: Remote): string | null {
  if (remote.protocol !== 'tcp') return `protocol ${remote.protocol} is not supported`;
  return remote.authUser === '' ? null : 'http basic authentication is not supported';
}

/** Text of the failure reply for an error of `openTunnelsAtConnect`. */
export function connectFailureText(error: unknown): string {
  if (error instanceof AppError) return error.detail || error.title;
  return error instanceof Error ? error.message : String(error);
}

async function oldTunnels(
  ctx: TunnelParent,
  request: ConnectRequest,
  old: readonly TunnelRecord[],
  skip: (remote: Remote, reason: string) => void,
): Promise<readonly Reestablished[]> {
  const version = parseAgentVersion(request.version);
  if (!version.ok) {
    throw new AppError('bad_request', { title: `failed to determine client version: ${version.error}` });
  }
  const candidates = remotesToReestablish(old, request.requested);
  if (!atLeast(version.value, ASKS_SINCE)) return candidates;
  let timer: Timer | undefined;
  const limit = new Promise<'late'>((resolve) => {
    timer = ctx.clock.after(ASKING_LIMIT, () => resolve('late'));
  });
  const kept: Reestablished[] = [];
  try {
    for (const [place, candidate] of candidates.entries()) {
      const answer = await Promise.race([isAllowed(request.session, candidate.remote), limit]);
      if (answer === 'late') {
        for (const { remote } of candidates.slice(place)) skip(remote, NOT_ASKED);
        break;
      }
      if (answer) kept.push(candidate);
    }
  } finally {
    timer?.cancel();
  }
  return kept;
}

async function isAllowed(session: AgentSession, remote: Remote): Promise<boolean> {
  try {
    await askTunnelAllowed(session, remote);
    return true;
  } catch (error) {
    if (isDenial(error)) return false;
    throw new AppError('bad_request', { title: `failed to filter tunnels: ${connectFailureText(error)}` });
  }
}
