/** Files on their way to clients. Spec 04 §16.6. */

import type { ClientId } from '../ids.js';
import type { Upload } from '../uploads/upload.js';

/** What is known of a distribution that did not come to its end. */
export interface UnfinishedUpload {
  readonly upload: Upload;
  /** Clients without a result. */
  readonly clientIds: readonly ClientId[];
}

/** Distributions under way, so that the next server knows what became of them. */
export interface UploadRepository {
  /** The file is to go to these clients. */
  begin(upload: Upload, clientIds: readonly ClientId[]): Promise<void>;
  /** This one has its result. */
  done(id: string, client: ClientId): Promise<void>;
  /** Nothing is left to be done; its id is free again. */
  end(id: string): Promise<void>;
  /** Those of the server before, as long as this one has begun none. */
  unfinished(): Iterable<UnfinishedUpload>;
  /** Forgets all of them. */
  clear(): Promise<void>;
}
