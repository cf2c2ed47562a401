/** What becomes of uploads, as it happens. Spec 04 §13. */

import Type from 'typebox';
import { UploadStream } from '../ws/upload-stream.js';
import type { WebSocketRoute } from '../ws/websocket-route.js';

const result = Type.Object(
  {
    client_id: Type.String(),
    uuid: Type.String({ description: 'Id of the upload' }),
    filepath: Type.String({ description: 'Where it was written; empty for `error`' }),
    size: Type.Integer({ description: 'Bytes written on the client' }),
    message: Type.String(),
    status: Type.String({
      description: '`success`; `ignored`: the file was there already; `error`: it is not there',
    }),
  },
  { $id: 'UploadResult' },
);

const watchUploads: WebSocketRoute = {
  method: 'GET',
  path: '/ws/uploads',
  access: { kind: 'user', permission: 'uploads' },
  docs: {
    tag: 'Files',
    summary: 'Hear what becomes of uploads',
    description:
      'A WebSocket. Each message is one `UploadResult`, of any upload to a client the caller may access, since the socket ' +
      'was opened. What a reader sends is ignored. Close codes: 1013 the reader is too slow, 1001 the server stops, 4401 ' +
      'the login has ended, 4403 it is not allowed any more.',
  },
  messages: { sends: result },
  maxMessageBytes: 64 * 1024,
  open: (_request, context) => (socket) => new UploadStream(socket, context),
};

export const uploadSocketRoutes: readonly WebSocketRoute[] = [watchUploads];
