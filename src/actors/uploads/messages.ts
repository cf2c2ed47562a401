/** Messages of the `uploads` actor: one, on main, which sees to it that files reach the clients they are for. */

import type { ClientId } from '../../ids.js';
import type { Upload } from '../../uploads/upload.js';
import type { ActorRef } from '../runtime/types.js';

export const UPLOADS: ActorRef = { kind: 'uploads', id: 'main' };

/** Begins a distribution. The file is there; it is removed when all clients have had their turn. Replied at once. */
export interface DistributeMessage {
  readonly type: 'distribute';
  readonly upload: Upload;
  /** Each once. */
  readonly clientIds: readonly ClientId[];
}
