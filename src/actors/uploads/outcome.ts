/** Telling what became of an upload: those who watch, those who hear events, the audit log. Spec 04 §13 and §16.6. */

import type { AuditDraft } from '../../audit/audit-log.js';
import type { ClientId } from '../../ids.js';
import { UPLOADS_TOPIC, type Upload, type UploadResult, uploadRequest } from '../../uploads/upload.js';
import type { ActorSystem } from '../runtime/types.js';
import type { UploadsDeps } from './behavior.js';

/** Tells those who watch uploads, and those who hear events. Never rejects. */
export async function announce(
  system: ActorSystem,
  { events, store, log }: UploadsDeps,
  results: readonly UploadResult[],
): Promise<void> {
  const told = results.map(async (result) => {
    system.publish(UPLOADS_TOPIC, result);
    const client = store.clients.get(result.client_id);
    if (client === undefined) return;
    const { committed, tell } = events.record(client, [{ type: 'upload.finished', result }]);
    await committed;
    tell();
  });
  for (const outcome of await Promise.allSettled(told)) {
    if (outcome.status === 'rejected') log.error(`event of an upload: ${String(outcome.reason)}`);
  }
}

/** Into the audit log. Never rejects. */
export const record = (deps: UploadsDeps, upload: Upload, results: readonly UploadResult[]): Promise<void> =>
  deps.audit.record(results.map((result) => draft(deps, upload, result)));

/** Of a client that has not got the file. */
export function failure(upload: Upload, id: ClientId, message: string): UploadResult {
  return { client_id: id, uuid: upload.id, filepath: '', size: 0, message, status: 'error' };
}

function draft({ store }: UploadsDeps, upload: Upload, result: UploadResult): AuditDraft {
  return {
    application: 'uploads',
    action: result.status === 'error' ? 'failed' : 'success',
    affectedId: upload.id,
    clientId: result.client_id,
    clientHostname: store.clients.get(result.client_id)?.hostname ?? '',
    request: uploadRequest(upload),
    response: result,
  };
}
