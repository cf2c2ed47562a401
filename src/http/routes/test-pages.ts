/** Pages to try the WebSockets, for those who build on them. Off by default. Spec 04 §14. */

import Type from 'typebox';
import { textAnswer } from '../reply.js';
import type { Route } from '../route.js';
import { type TestPage, testPage, testPageHeaders } from '../test-page.js';

const request = { command: '/usr/bin/id', client_ids: ['my-client'], execute_concurrently: false };
const { command: _command, ...scriptRequest } = request;

const pages: readonly TestPage[] = [
  { socket: 'commands', title: 'Commands over a WebSocket', request, script: false },
  { socket: 'scripts', title: 'Scripts over a WebSocket', request: scriptRequest, script: true },
  { socket: 'uploads', title: 'Results of uploads over a WebSocket', request: null, script: false },
];

/** As for a path that is not there. */
const SWITCHED_OFF = {
  status: 404,
  text: textAnswer(404, '404 page not found').body,
  contentType: 'text/plain',
};

export const testPageRoutes: readonly Route[] = pages.map((page) => {
  const text = testPage(page);
  return {
    method: 'GET',
    path: `/test/${page.socket}/ui`,
    access: { kind: 'open' },
    docs: {
      tag: 'Documentation',
      summary: `A page to try \`/ws/${page.socket}\``,
      contentType: 'text/html',
      errors: { 404: '`enable_ws_test_endpoints` is off' },
    },
    responses: { 200: Type.String() },
    handler: (_request, { config }) =>
      config.api.enableWsTestEndpoints
        ? { status: 200, text, contentType: 'text/html; charset=utf-8', headers: testPageHeaders }
        : SWITCHED_OFF,
  };
});
