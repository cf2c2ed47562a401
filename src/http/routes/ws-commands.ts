/** Commands and scripts over a WebSocket, with their output while it comes. Spec 04 §12. */

import Type from 'typebox';
import { JobConversation } from '../ws/job-conversation.js';
import type { RunKind } from '../ws/run-request.js';
import type { WebSocketRoute } from '../ws/websocket-route.js';
import { jobSchema, multiExecuteBody } from './job-schemas.js';

/**
 * An agent takes 245 000 bytes, 327 KiB in base64; there is room for 4000 ids of clients besides, or for 10 000 and a
 * command. Reading that much takes some 15 ms, during which nothing else happens.
 */
const MOST_MESSAGE_BYTES = 512 * 1024;

const partial = Type.Object(
  {
    jid: Type.String({ description: 'Of the job of this client' }),
    client_id: Type.String(),
    client_name: Type.String(),
    result: Type.Object({
      stdout: Type.String(),
      stderr: Type.String(),
      summary: Type.String({ description: 'Empty' }),
    }),
  },
  { $id: 'JobOutputPart', description: 'Output that has just come: of one stream, without `status`' },
);

const refusal = Type.Object(
  {
    errors: Type.Array(
      Type.Object({ code: Type.String(), title: Type.String(), detail: Type.String() }, { minItems: 1 }),
    ),
  },
  { $id: 'JobRefusal', description: 'Why nothing was started; the last message' },
);

const route = (kind: RunKind, summary: string, more: string): WebSocketRoute => ({
  method: 'GET',
  path: `/ws/${kind}s`,
  access: { kind: 'user', permission: `${kind}s` },
  docs: {
    tag: 'Commands',
    summary,
    description:
      'A WebSocket. The caller sends one message, the body of ' +
      `\`POST /${kind}s\`${more}. Each client's output comes as \`JobOutputPart\`, its end as one \`Job\` with the whole ` +
      'output again; `status` tells them apart. The server closes with 1000 after the last end, or after a `JobRefusal`. ' +
      'Who leaves before leaves the jobs running. Other close codes: 1009 the message is longer than 512 KiB, 1013 nothing was ' +
      'read for 30 seconds, 1001 the server stops, 4401 the login has ended, 4403 it is not allowed any more.',
  },
  messages: { receives: multiExecuteBody, sends: Type.Union([partial, jobSchema, refusal]) },
  maxMessageBytes: MOST_MESSAGE_BYTES,
  open:
    ({ ip }, context) =>
    (socket) =>
      new JobConversation(socket, kind, ip, context),
});

export const commandSocketRoutes: readonly WebSocketRoute[] = [
  route('command', 'Run a command and read its output while it comes', ''),
  route('script', 'Run a script and read its output while it comes', ', with the script in base64'),
];
