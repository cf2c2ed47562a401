/** Files for clients. Spec 04 §16. */

import { randomUUID } from 'node:crypto';
import { unlink } from 'node:fs/promises';
import Type from 'typebox';
import type { ActorSystem } from '../../actors/runtime/types.js';
import { type DistributeMessage, UPLOADS } from '../../actors/uploads/messages.js';
import type { AuditDetails } from '../../audit/audit-log.js';
import { deniedTargets, deniedText, resolveTargets, type TargetTags } from '../../clients/targeting.js';
import { AppError } from '../../errors.js';
import type { ClientId } from '../../ids.js';
import type { Logger } from '../../logging/logger.js';
import type { Milliseconds } from '../../time.js';
import { checkDestination } from '../../uploads/destination.js';
import { partPath } from '../../uploads/folder.js';
import { type FormFields, optionsOf, targetingOf, uploadIdOf } from '../../uploads/form.js';
import { IncomingFile } from '../../uploads/incoming-file.js';
import { type Upload, uploadRequest } from '../../uploads/upload.js';
import type { ApiContext } from '../context.js';
import { readJsonBody } from '../json/body.js';
import { readMultipart } from '../multipart.js';
import type { ApiRequest, Route } from '../route.js';

/** Main has only to make an actor. */
const BEGIN_TIMEOUT: Milliseconds = 60_000;

const repeated = (description: string) => Type.Optional(Type.Array(Type.String(), { description }));
const single = (description: string) => Type.Optional(Type.String({ description }));

const form = Type.Object({
  upload: Type.String({ format: 'binary', description: 'The file' }),
  dest: Type.String({ description: 'Path and name of the file on the clients' }),
  client_id: repeated('Client that gets the file; may be repeated'),
  group_id: repeated('Client group whose members get the file; may be repeated'),
  tags: single('JSON such as `{"tags":["linux"],"operator":"AND"}`, instead of clients and groups'),
  id: single('Id of the upload: letters, digits, `-` and `_`, 64 at most. Default: a new UUID'),
  user: single('Owner of the file, on Unix'),
  group: single('Group of the file, on Unix'),
  mode: single('Octal permission bits, such as `0644`'),
  force: single('`1` or `true`: replace a file that is there'),
  sync: single('`1` or `true`: replace a file that is there when contents, mode, owner or group differ'),
});

const tagsSchema = Type.Object(
  { tags: Type.Union([Type.Array(Type.String()), Type.Null()]), operator: Type.String() },
  { additionalProperties: true },
);

const createUpload: Route = {
  method: 'POST',
  path: '/files',
  access: { kind: 'user', permission: 'uploads' },
  audit: { application: 'uploads', action: 'create' },
  streams: {
    limit: ({ api }) => api.maxFilepushSize,
    overflow: ({ config, actors }) => partPath(config.server.dataDir, actors.thread, randomUUID()),
  },
  docs: {
    summary: 'Send a file to clients',
    description:
      'Answers when the file is on the server. It then goes to each client; what comes of it is told on `/ws/uploads` ' +
      'and in the audit log. Fields may come before or after the file.',
    tag: 'Files',
    ownBody: form,
    bodyType: 'multipart/form-data',
    errors: {
      400: 'The form, a value or the choice of clients is wrong; code `BAD_DESTINATION` for a forbidden place',
      403: 'Permission `uploads` is missing; code `ACCESS_CONTROL_VIOLATION` when a client may not be accessed',
      404: 'No such client',
      409: 'An upload of that id is under way',
      413: 'The body is larger than `api.max_filepush_size`',
    },
  },
  responses: {
    200: Type.Object({
      uuid: Type.String({ description: 'Id of the upload' }),
      filepath: Type.String({ description: 'Destination' }),
      size: Type.Integer({ description: 'Bytes received' }),
    }),
  },
  async handler(request, context) {
    const { dataDir } = context.config.server;
    const file = await IncomingFile.create(dataDir, context.actors.thread);
    try {
      const { upload, clientIds } = await receiveUpload(request, context, file);
      const { id, destination, size } = upload;
      const data = { uuid: id, filepath: destination, size };
      return {
        status: 200,
        data,
        audit: auditOf(upload, clientIds, data, context),
        begin: () => distribute(context.actors, { type: 'distribute', upload, clientIds }, context.log),
      };
    } finally {
      await file.discard();
    }
  },
};

export const fileRoutes: readonly Route[] = [createUpload];

/** Stores the file, then checks what came with it, in the order of spec 04 §16.3. Rejects with `AppError`. */
async function receiveUpload(
  { header, stream }: ApiRequest,
  { clients, store }: ApiContext,
  file: IncomingFile,
): Promise<{ readonly upload: Upload; readonly clientIds: readonly ClientId[] }> {
  if (stream === null) throw new Error('the route does not stream');
  const { fields, hasFile } = await readMultipart(header('content-type'), stream, {
    name: 'upload',
    write: (chunk) => file.write(chunk),
  });
  // Who was named twice would be asked twice for the same, the second time in vain.
  const clientIds = [...new Set(resolveTargets(targetingOf(fields, readTags), clients))];
  const options = optionsOf(fields);
  if (!hasFile) throw new AppError('bad_request', { title: 'http: no such file' });
  const id = uploadIdOf(fields);
  const destination = destinationOf(fields);
  const caller = await stream.caller();
  const denied = caller === null ? clientIds : deniedTargets(clientIds, caller, clients);
  if (denied.length > 0) {
    throw new AppError('forbidden', {
      apiCode: 'ACCESS_CONTROL_VIOLATION',
      title: 'upload forbidden',
      detail: deniedText(denied),
    });
  }
  const { path, size, md5 } = await file.keepAs(id);
  const upload: Upload = { id, sourcePath: path, destination, ...options, md5, size };
  try {
    // Whatever happens from here on, each client has a result.
    await store.uploads.begin(upload, clientIds);
    await store.flushed();
  } catch (error) {
    await unlink(path).catch(() => undefined);
    throw error;
  }
  return { upload, clientIds };
}

function destinationOf(fields: FormFields): string {
  const destination = fields.get('dest')?.[0] ?? '';
  checkDestination(destination);
  return destination;
}

/** Throws `AppError` 400 with the text of the JSON parser. */
function readTags(json: string): TargetTags {
  try {
    return readJsonBody(Buffer.from(json), tagsSchema) as TargetTags;
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const title = error.code === 'missing_body' ? 'unexpected end of JSON input' : error.detail;
    throw new AppError('bad_request', { title });
  }
}

function auditOf(
  upload: Upload,
  clientIds: readonly ClientId[],
  response: unknown,
  { clients }: ApiContext,
): readonly AuditDetails[] {
  const request = uploadRequest(upload);
  return clientIds.map((clientId) => ({
    affectedId: upload.id,
    clientId,
    clientHostname: clients.get(clientId)?.hostname ?? '',
    request,
    response,
  }));
}

function distribute(actors: ActorSystem, message: DistributeMessage, log: Logger): void {
  actors.ask(UPLOADS, message, { timeoutMs: BEGIN_TIMEOUT }).catch((error: unknown) => {
    log.error(`upload ${message.upload.id} was not distributed: ${String(error)}`);
  });
}
