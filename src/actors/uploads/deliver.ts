/** Asking one client to fetch a file, wherever its connection is. Spec 04 §16.6. */

import type { ErrorPayload } from '../../errors.js';
import type { ClientId } from '../../ids.js';
import type { Store } from '../../store/store.js';
import type { Milliseconds } from '../../time.js';
import { RECEPTION_DISABLED, takesFiles } from '../../uploads/reception.js';
import { type Upload, type UploadResult, uploadRequest } from '../../uploads/upload.js';
import { type ClientRequests, clientRef } from '../client/messages.js';
import { UPLOAD_NEWS_WITHIN } from '../client/uploads.js';
import { ActorError, type ActorSystem } from '../runtime/types.js';
import { failure } from './outcome.js';

/** On top of the time after which the client's actor says something in any case. */
const GRACE: Milliseconds = 60_000;

const NOT_CONNECTED = 'client is not connected';
/** The connection ended before the reply: what Go says of a stream that ends. */
const CONNECTION_LOST = 'failed to send request: EOF';

type Delivery = Exclude<ClientRequests['upload']['reply'], { readonly state: 'pending' }>;

/** What became of it. Never rejects on purpose. */
export async function deliver(
  system: ActorSystem,
  store: Pick<Store, 'clients'>,
  upload: Upload,
  id: ClientId,
): Promise<UploadResult> {
  const failed = (message: string): UploadResult => failure(upload, id, message);
  const record = store.clients.get(id);
  if (record === undefined) return failed(NOT_CONNECTED);
  if (!takesFiles(record.clientConfiguration)) return failed(RECEPTION_DISABLED);
  try {
    const delivery = await askUntilDone(system, upload, id);
    if (delivery.state === 'failed') return failed(delivery.message);
    const { filepath, size, message, status } = delivery;
    return { client_id: id, uuid: upload.id, filepath, size, message, status };
  } catch (error) {
    return failed(failureText(error));
  }
}

/** An ask may not take as long as a transfer may, so the actor answers now and then that it is not over. */
async function askUntilDone(system: ActorSystem, upload: Upload, id: ClientId): Promise<Delivery> {
  const message: { readonly type: 'upload' } & ClientRequests['upload']['request'] = {
    type: 'upload',
    id: upload.id,
    path: upload.sourcePath,
    size: upload.size,
    request: JSON.stringify(uploadRequest(upload)),
  };
  for (let begun = false; ; begun = true) {
    const reply = await system
      .ask<ClientRequests['upload']['reply']>(clientRef(id), message, {
        timeoutMs: UPLOAD_NEWS_WITHIN + GRACE,
      })
      .catch((error: unknown) => {
        // Between two asks its connection has gone, whatever has come since.
        throw begun && isGone(error) ? new ActorError('stopped', CONNECTION_LOST) : error;
      });
    if (reply.state !== 'pending') return reply;
  }
}

const isGone = (error: unknown): boolean => error instanceof ActorError && error.code === 'no_such_actor';

function failureText(error: unknown): string {
  if (!(error instanceof ActorError)) return error instanceof Error ? error.message : String(error);
  switch (error.code) {
    case 'no_such_actor':
      return NOT_CONNECTED;
    case 'stopped':
    case 'stale_epoch':
      return CONNECTION_LOST;
    case 'refused':
      // Not connected yet, or too many files wait for it.
      return (error.data as ErrorPayload).code === 'not_found'
        ? NOT_CONNECTED
        : (error.data as ErrorPayload).title;
    default:
      return `failed to send request: ${error.message}`;
  }
}
