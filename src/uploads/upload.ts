/** A file on its way to clients. Spec 04 §16. */

import type { ClientId } from '../ids.js';

/** Topic of `UploadResult`s; main publishes, the shards show them to whoever watches. */
export const UPLOADS_TOPIC = 'uploads';

/** Ending of the stored files' names, here and on the agents, whose sudo rules name it. Spec 04 §16.8. */
export const UPLOAD_SUFFIX = '_rport_filepush';

export interface Upload {
  readonly id: string;
  /** Where the file lies on this machine. Agents ask for it by this name. */
  readonly sourcePath: string;
  readonly destination: string;
  /** Permission bits; 0 = unset. */
  readonly mode: number;
  readonly owner: string;
  readonly group: string;
  readonly force: boolean;
  readonly sync: boolean;
  /** Base64 of the 16 bytes. */
  readonly md5: string;
  /** Bytes. */
  readonly size: number;
}

/** What became of an upload on one client, as API callers see it. Spec 04 §13. */
export interface UploadResult {
  readonly client_id: ClientId;
  readonly uuid: string;
  readonly filepath: string;
  /** Bytes written on the client. */
  readonly size: number;
  readonly message: string;
  readonly status: UploadStatus;
}

export type UploadStatus = 'success' | 'ignored' | 'error';

/** The request to the agent, and what the audit log says was asked for. Spec 04 §16.6. */
export function uploadRequest(upload: Upload): Readonly<Record<string, unknown>> {
  return {
    ID: upload.id,
    SourceFilePath: upload.sourcePath,
    DestinationPath: upload.destination,
    DestinationFileMode: upload.mode,
    DestinationFileOwner: upload.owner,
    DestinationFileGroup: upload.group,
    ForceWrite: upload.force,
    Sync: upload.sync,
    Md5Checksum: upload.md5,
  };
}
