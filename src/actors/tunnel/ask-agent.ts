/** What the server asks an agent about a tunnel's target. Spec 05 §12. */

import { AppError } from '../../errors.js';
import type { AgentSession } from '../../protocol/session.js';
import type { Milliseconds, Nanoseconds } from '../../time.js';
import type { Remote } from '../../tunnels/remote.js';
import { targetAddress } from '../../tunnels/remote-text.js';
import { clientError, LONGEST_AGENT_TEXT, replyText, sendFailure } from '../agent-reply.js';

/** The agent answers in order and may be resolving a name; an agent that takes longer is counted as failed. */
const REPLY_TIMEOUT: Milliseconds = 30_000;
const NANOSECONDS_PER_MILLISECOND: Nanoseconds = 1_000_000;
/** Agents before 0.6.4 do not know the question. */
const UNKNOWN_REQUEST = 'unknown request';

const DENIED = 'Tunnel destination is not allowed by client configuration.';
const NOT_OPEN = 'ERR_CODE_REMOTE_PORT_NOT_OPEN';

/** Resolves when the agent's own rules allow the target. Rejects with #10 of spec 05 §3.3 (400 or 500). */
export async function askTunnelAllowed(session: AgentSession, remote: Remote): Promise<void> {
  const reply = await ask(session, 'check_tunnel_allowed', { Remote: targetAddress(remote) }, 0);
  if (!reply.ok) {
    if (reply.text.includes(UNKNOWN_REQUEST)) return;
    throw clientError(500, reply.text);
  }
  const answer = decode(reply.text, 500, '*comm.CheckTunnelAllowedResponse');
  if (field(answer, 'IsAllowed') !== true) throw new AppError('bad_request', { title: DENIED });
}

/** Whether this is the agent's "no", as opposed to a failure to ask. */
export const isDenial = (error: unknown): boolean => error instanceof AppError && error.title === DENIED;

/**
 * Resolves when the agent could connect to the target. Rejects with #13 of spec 05 §3.3: 400 when it is closed,
 * 409 when the agent failed, 500 when it could not be asked.
 * @param timeout what the agent is told (`server.check_port_timeout`)
 */
export async function askCheckPort(
  session: AgentSession,
  remote: Remote,
  timeout: Milliseconds,
): Promise<void> {
  const question = {
    HostPort: targetAddress(remote),
    Timeout: Math.round(timeout * NANOSECONDS_PER_MILLISECOND),
  };
  const reply = await ask(session, 'check_port', question, timeout);
  if (!reply.ok) throw clientError(409, reply.text);
  const answer = decode(reply.text, 409, '*comm.CheckPortResponse');
  if (field(answer, 'Open') === true) return;
  const reason = field(answer, 'ErrMsg');
  throw new AppError('bad_request', {
    title: `Port ${remote.rport} is not in listening state.`,
    detail: typeof reason === 'string' ? reason.slice(0, LONGEST_AGENT_TEXT) : '',
    apiCode: NOT_OPEN,
  });
}

async function ask(
  session: AgentSession,
  name: string,
  question: object,
  extraTime: Milliseconds,
): Promise<{ readonly ok: boolean; readonly text: string }> {
  try {
    const reply = await session.request(name, JSON.stringify(question), REPLY_TIMEOUT + extraTime);
    return { ok: reply.ok, text: replyText(reply) };
  } catch (error) {
    throw sendFailure(error);
  }
}

function decode(text: string, status: 409 | 500, type: string): object {
  const refuse = (reason: string): AppError =>
    new AppError(status === 409 ? 'conflict' : 'internal', {
      title: `invalid client response format: failed to decode response into ${type}: ${reason}`,
    });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw refuse('invalid JSON');
  }
  if (value === null) return {};
  if (typeof value !== 'object' || Array.isArray(value)) throw refuse('not an object');
  return value;
}

/** Go's decoders match keys in any case. */
function field(answer: object, name: string): unknown {
  const wanted = name.toLowerCase();
  let found: unknown;
  for (const [key, value] of Object.entries(answer)) if (key.toLowerCase() === wanted) found = value;
  return found;
}
