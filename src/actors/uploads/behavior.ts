/** Starts a distribution per file, and clears up after what has ended in disorder. One actor, on main. */

import type { AuditLog } from '../../audit/audit-log.js';
import type { Events } from '../../events/events.js';
import type { Logger } from '../../logging/logger.js';
import type { Store } from '../../store/store.js';
import { removeLeftovers, removePartsOf } from '../../uploads/folder.js';
import type { ActorRef, ActorSystem, Behavior } from '../runtime/types.js';
import { distributionBehavior } from './distribution.js';
import { type DistributeMessage, UPLOADS } from './messages.js';
import { settleUnfinished } from './settle.js';
import { Slots } from './slots.js';

export interface UploadsDeps {
  readonly dataDir: string;
  readonly store: Pick<Store, 'clients' | 'uploads'>;
  readonly audit: AuditLog;
  readonly events: Pick<Events, 'record'>;
  readonly log: Pick<Logger, 'error' | 'info' | 'debug'>;
}

/**
 * Clients that receive at the same time, over all files. Each has an open file and 128 KiB of it in memory, and up to
 * 1 MiB on its socket: 200 slow ones take 225 MiB at the very most.
 */
const MOST_TRANSFERS = 200;

interface State {
  readonly deps: UploadsDeps;
  readonly transfers: Slots;
  readonly unsubscribe: () => void;
}

/** Settles and removes what the server before has left, and starts the actor; before the shards start. */
export async function openUploads(system: ActorSystem, deps: UploadsDeps): Promise<ActorRef> {
  await settleUnfinished(system, deps);
  const left = await removeLeftovers(deps.dataDir);
  if (left.length > 0) {
    deps.log.info(`removed ${left.length} files whose distribution the end of the server cut short`);
    for (const name of left) deps.log.debug(`removed ${name}`);
  }
  return system.spawn(uploadsBehavior, UPLOADS.id, deps, { epoch: 1 });
}

const uploadsBehavior: Behavior<DistributeMessage, State, UploadsDeps> = {
  kind: UPLOADS.kind,

  preStart(ctx, deps) {
    const unsubscribe = ctx.system.onThreadLost((thread) => {
      removePartsOf(deps.dataDir, thread).catch((error: unknown) =>
        deps.log.error(`removing what a lost shard was receiving: ${String(error)}`),
      );
    });
    return { deps, transfers: new Slots(MOST_TRANSFERS), unsubscribe };
  },

  receive(ctx, { deps, transfers }, { upload, clientIds }, sender) {
    ctx.spawnChild(distributionBehavior, upload.id, { ...deps, upload, clientIds, transfers });
    sender.reply(null);
  },

  postStop: (_ctx, { unsubscribe }) => unsubscribe(),
};
