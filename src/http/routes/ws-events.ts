/** The stream of events. Not in the reference. */

import Type from 'typebox';
import { AppError } from '../../errors.js';
import { isEventId } from '../../events/event-clock.js';
import { type EventType, eventSchema, eventTypes, matchingTypes } from '../../events/event-types.js';
import type { QueryString } from '../query-string.js';
import { type EventFilter, EventStream } from '../ws/event-stream.js';
import type { WebSocketRoute } from '../ws/websocket-route.js';

const TAG = 'Events';
/** Clients named in one filter. */
const MOST_CLIENTS = 1000;

const hello = Type.Object(
  {
    type: Type.Literal('hello'),
    last_event_id: Type.Union([Type.String(), Type.Null()], {
      description: 'The newest event there is, whoever may see it; good for `since`',
    }),
    replay: Type.Union([
      Type.Object({
        since: Type.String(),
        complete: Type.Boolean({
          description: 'False: that event is not remembered any more, and some after it may be missing',
        }),
      }),
      Type.Null(),
    ]),
  },
  { $id: 'EventHello', description: 'The first message' },
);

const streamEvents: WebSocketRoute = {
  method: 'GET',
  path: '/ws/events',
  access: { kind: 'user' },
  docs: {
    tag: TAG,
    summary: 'Hear of clients, tunnels, jobs and uploads as it happens',
    description:
      'A WebSocket. The first message is `EventHello`, then each is one `Event`: of the clients the caller may access, ' +
      'those of tunnels only with permission `tunnels`, of jobs with `commands` or `scripts`, of uploads with `uploads`. ' +
      'Close codes: 4401 the login has ended, 4403 something is not ' +
      'allowed any more, 1013 the reader is too slow, 1001 the server stops. What a reader sends is ignored.',
    query: {
      types: {
        schema: Type.String(),
        description: `Types wanted, separated by commas, \`*\` stands for any text: ${eventTypes.join(', ')}`,
      },
      client_id: { schema: Type.String(), description: 'Clients wanted, separated by commas' },
      since: {
        schema: Type.String(),
        description:
          'Id of the last event known: what came after it is sent first, as far as it is remembered',
      },
    },
  },
  messages: { sends: Type.Union([hello, eventSchema]) },
  maxMessageBytes: 4096,
  open({ query }, context) {
    const filter = readFilter(query);
    return (socket) => new EventStream(socket, filter, context);
  },
};

export const eventStreamRoutes: readonly WebSocketRoute[] = [streamEvents];

/** Throws `AppError` 400. */
function readFilter(query: QueryString): EventFilter {
  const clientIds = listOf(query, 'client_id');
  if (clientIds !== null && clientIds.length > MOST_CLIENTS) {
    throw new AppError('bad_request', { title: `at most ${MOST_CLIENTS} clients can be named` });
  }
  const since = query.get('since') ?? '';
  if (since !== '' && !isEventId(since)) {
    throw new AppError('bad_request', { title: 'Invalid event id in "since".' });
  }
  return {
    types: new Set(listOf(query, 'types')?.flatMap(typesOf) ?? eventTypes),
    clientIds: clientIds === null ? null : new Set(clientIds),
    since: since === '' ? null : since,
  };
}

function listOf(query: QueryString, name: string): string[] | null {
  const text = query.get(name) ?? '';
  return text === '' ? null : text.split(',');
}

function typesOf(pattern: string): readonly EventType[] {
  const found = matchingTypes(pattern);
  if (found.length > 0) return found;
  throw new AppError('bad_request', {
    title: 'Unknown event type.',
    detail: `there are ${eventTypes.join(', ')}`,
  });
}
