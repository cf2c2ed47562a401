/** Login sessions of a user, for administrators. Spec 02 §13. */

import Type from 'typebox';
import { AppError } from '../../errors.js';
import { goInstant } from '../../go/instant.js';
import { goQuote } from '../../go/quote.js';
import type { SessionRecord } from '../../store/sessions.js';
import { instant } from '../../time.js';
import type { ApiContext } from '../context.js';
import type { Access, Route } from '../route.js';

const TAG = 'User Sessions';
const administrators: Access = { kind: 'user', admin: true };

const sessionSchema = Type.Object(
  {
    session_id: Type.Integer(),
    expires_at: Type.String({ format: 'date-time', description: 'Uses move it on' }),
    username: Type.String(),
    last_access_at: Type.String({ format: 'date-time', description: 'Good to a second' }),
    user_agent: Type.String(),
    ip_address: Type.String(),
  },
  { $id: 'APISession' },
);

const list: Route = {
  method: 'GET',
  path: '/users/{user_id}/sessions',
  access: administrators,
  docs: {
    tag: TAG,
    summary: 'List the sessions of a user',
    description: 'Those that live, the longest unused first; empty for an unknown user.',
  },
  responses: { 200: Type.Array(sessionSchema) },
  async handler({ params }, context) {
    const user = params.user_id ?? '';
    const sessions = await orFail(
      async () => context.auth.sessions.list(await ownerName(user, context)),
      `unable to get sessions for user ${goQuote(user)}`,
      'unable to read sessions from storage',
    );
    return { status: 200, data: sessions.map(toJson) };
  },
};

const endAll: Route = {
  method: 'DELETE',
  path: '/users/{user_id}/sessions',
  access: administrators,
  docs: { tag: TAG, summary: 'End all sessions of a user' },
  audit: { application: 'auth.api.sessions', action: 'delete' },
  responses: { 204: null },
  async handler({ params }, context) {
    const user = params.user_id ?? '';
    await orFail(
      async () => context.auth.sessions.endAll(await ownerName(user, context)),
      `unable to delete all sessions for user ${goQuote(user)}`,
      'unable to delete sessions from storage',
    );
    return { status: 204, empty: true, audit: { affectedId: user } };
  },
};

const endOne: Route = {
  method: 'DELETE',
  path: '/users/{user_id}/sessions/{session_id}',
  access: administrators,
  docs: {
    tag: TAG,
    summary: 'End one session of a user',
    description: 'A session of another user is left alone.',
    errors: { 400: 'The id is no number' },
  },
  audit: { application: 'auth.api.session', action: 'delete' },
  responses: { 204: null },
  async handler({ params }, context) {
    const { user_id: user = '', session_id: text = '' } = params;
    if (!/^[+-]?\d{1,19}$/.test(text)) {
      throw new AppError('bad_request', {
        title: `unable to parse session ID ${goQuote(text)} for user ${goQuote(user)}`,
      });
    }
    await orFail(
      async () => context.auth.sessions.end(await ownerName(user, context), Number(text)),
      `unable to delete session ${goQuote(text)} for user ${goQuote(user)}`,
      'unable to delete session from storage',
    );
    return { status: 204, empty: true, audit: { affectedId: user } };
  },
};

export const userSessionRoutes: readonly Route[] = [list, endAll, endOne];

/** As the source spells it; sessions of a user who is gone can still be ended. */
async function ownerName(given: string, { users }: ApiContext): Promise<string> {
  return (await users.find(given))?.username ?? given;
}

/** Throws `AppError` 500 with the texts of spec 02 §13; the reason goes to the log. */
async function orFail<Result>(run: () => Promise<Result>, title: string, detail: string): Promise<Result> {
  try {
    return await run();
  } catch (cause) {
    throw new AppError('internal', { title, detail, cause });
  }
}

const toJson = (session: SessionRecord) => ({
  session_id: session.id,
  expires_at: goInstant(instant(session.expiresAt)),
  username: session.username,
  last_access_at: goInstant(instant(session.lastAccessAt)),
  user_agent: session.userAgent,
  ip_address: session.ipAddress,
});
