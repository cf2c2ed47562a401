/** The API listener's request handler: finds the route, refuses what has none. Spec 02 §2, 03 §1.7. */

import { createCallerOf, forwardedFor } from '../auth/caller-ip.js';
import { AppError } from '../errors.js';
import { Call, type FinishedRequest } from './call.js';
import type { ApiContext } from './context.js';
import { makeCors } from './cors.js';
import type { EngineOptions, EngineRequest, EngineResponse } from './engine.js';
import { type Endpoint, makeMatcher } from './match.js';
import { cleanedPath } from './path.js';
import { API_PREFIX } from './prefix.js';
import { type Answer, errorAnswer, textAnswer } from './reply.js';
import type { Route } from './route.js';
import { OpenSockets } from './ws/open-sockets.js';
import { SocketCall, type SocketScope } from './ws/socket-call.js';
import type { WebSocketRoute } from './ws/websocket-route.js';

export interface ApiOptions {
  readonly context: ApiContext;
  readonly routes: readonly (Route | WebSocketRoute)[];
  /** Of this API and the ones before it; by default they are its own. */
  readonly sockets?: OpenSockets;
  /** Called once for every answered request, for the request and access logs and for metrics. */
  readonly onFinished?: (finished: FinishedRequest) => void;
}

const NOT_FOUND = textAnswer(404, '404 page not found');
const BAD_REQUEST = textAnswer(400, '400 Bad Request');

function ownSockets(context: ApiContext): OpenSockets {
  const sockets = new OpenSockets({ clock: context.clock, log: context.log });
  sockets.follow(context.auth);
  return sockets;
}

/** Makes the `onRequest` of the API listener, upgrades included. Throws when two routes claim the same method and path. */
export function createApi(options: ApiOptions): EngineOptions['onRequest'] {
  const { context, routes, onFinished } = options;
  const { config, clock } = context;
  const cors = makeCors(config.api.cors);
  const callerOf = createCallerOf(config.api.trustedProxies);
  const match = makeMatcher(
    routes.map((route) => ({ method: route.method as string, path: route.path, value: route })),
  );

  const { sockets = ownSockets(context) } = options;
  const scope: SocketScope = {
    context,
    sockets,
    isOriginAllowed: cors.allows,
    corsHeaders: cors.headers,
    finished(request, route, status, bytes) {
      onFinished?.({ request, route, status, bytes, duration: clock.now() - request.receivedAt });
    },
  };

  const refuse = (request: EngineRequest, response: EngineResponse, answer: Answer): void => {
    response.send(answer.status, answer.headers, answer.body);
    scope.finished(request, null, answer.status, answer.body.length);
  };

  const refuseMethod = (
    request: EngineRequest,
    response: EngineResponse,
    endpoint: Endpoint<Route | WebSocketRoute>,
  ): void => {
    const { status, headers, body } = errorAnswer(new AppError('method_not_allowed'));
    const lines = [...headers, ['Allow', endpoint.allow] as const, ...cors.headers(request)];
    response.send(status, lines, body);
    scope.finished(request, endpoint.pattern, status, body.length);
  };

  return (request, response) => {
    const preflight = cors.preflight(request);
    if (preflight !== null) {
      response.send(204, preflight);
      scope.finished(request, null, 204, 0);
      return;
    }
    const { path } = request;
    const cleaned = cleanedPath(path);
    if (cleaned !== null) {
      const query = request.rawQuery === '' ? '' : `?${request.rawQuery}`;
      refuse(request, response, { status: 301, headers: [['Location', cleaned + query]], body: '' });
      return;
    }
    const found = path.startsWith(`${API_PREFIX}/`) ? match(path.slice(API_PREFIX.length)) : 'not_found';
    if (found === 'not_found') return refuse(request, response, NOT_FOUND);
    if (found === 'bad_escape') return refuse(request, response, BAD_REQUEST);
    const route = found.endpoint.methods.get(request.method);
    if (route === undefined) return refuseMethod(request, response, found.endpoint);
    const caller = callerOf(request.remoteAddress, forwardedFor(request.headers));
    if ('messages' in route)
      return new SocketCall(scope, route, found.params, request, response, caller).run();
    return new Call(scope, route, found.params, request, response, caller).run();
  };
}
