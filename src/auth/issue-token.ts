/** A token and the session behind it. Spec 02 §6. */

import type { SessionRecord } from '../store/sessions.js';
import type { Milliseconds } from '../time.js';
import type { AuthParts } from './create-api-auth.js';
import type { Claims, Scope } from './tokens/claims.js';
import { signToken } from './tokens/sign.js';
import { presentUser } from './users/tenure.js';

export interface NewToken {
  readonly username: string;
  readonly lifetime: Milliseconds;
  readonly scopes: readonly Scope[];
  /** The login waits for its second step: uses do not prolong the session. */
  readonly pending?: boolean;
  readonly userAgent: string;
  readonly ip: string;
}

/** Resolves when the session behind the token would survive a power loss. */
export async function issueToken(
  { secret, sessions, users, store, clock, longest }: AuthParts,
  { username, lifetime, scopes, pending = false, userAgent, ip }: NewToken,
): Promise<{ readonly token: string; readonly session: SessionRecord }> {
  // Before he has anything: what is found of an earlier holder of the name later would take it along.
  await presentUser(users, store, username);
  const session = await sessions.open({ username, lifetime, pending, userAgent, ip });
  const issuedAt = clock.now();
  const claims: Claims = {
    username,
    sessionId: session.id,
    scopes,
    tokenId: session.tokenId,
    issuedAt,
    // Uses prolong the session, never beyond this; whole seconds, as tokens count.
    expiresAt: Math.floor((issuedAt + (pending ? lifetime : longest)) / 1000) * 1000,
  };
  return { token: await signToken(secret, claims), session };
}
