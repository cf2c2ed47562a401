/** Starting commands and scripts on several clients, for whoever wants to: the API, WebSockets, schedules. */

import { randomUUID } from 'node:crypto';
import type { JobEvents } from '../../events/job-events.js';
import { type JobId, jobId } from '../../ids.js';
import type { Work } from '../../jobs/input.js';
import { jobJson } from '../../jobs/job-json.js';
import type { MultiJob } from '../../jobs/multi-job.js';
import type { Target } from '../../jobs/targets.js';
import type { Logger } from '../../logging/logger.js';
import type { Store } from '../../store/store.js';
import { instant } from '../../time.js';
import { clientRef } from '../client/messages.js';
import type { OutputMessage } from '../job/state.js';
import type { ActorSystem } from '../runtime/types.js';
import { multiJobBehavior } from './behavior.js';
import { type JobOutputs, OutputQueue, type QueueOwner } from './output-queue.js';

export interface MultiJobStart {
  readonly work: Work;
  /** As asked for; only shown. */
  readonly targeting: Pick<MultiJob, 'clientIds' | 'groupIds' | 'tags'>;
  /** In the order in which they are served; see `targetsOf`. */
  readonly targets: readonly Target[];
  /** Name of the user it is started for. */
  readonly creator: string;
  readonly scheduleId: string | null;
  readonly concurrent: boolean;
  readonly abortOnError: boolean;
  /** Somebody wants the output while it comes, and the ends of all jobs. */
  readonly stream: boolean;
}

export interface StartedMultiJob {
  readonly id: JobId;
  /** `null` unless it was started with `stream`. Read it to its end, or close it. */
  readonly outputs: JobOutputs | null;
}

export interface MultiJobs {
  /**
   * Stores a multi-job so that it survives a power loss, and starts it: its jobs follow on their own. Throws what the
   * store says; nothing was started then.
   */
  start(request: MultiJobStart): Promise<StartedMultiJob>;
}

export interface MultiJobDeps {
  readonly system: ActorSystem;
  readonly store: Pick<Store, 'jobs' | 'multiJobs' | 'flushed'>;
  readonly events: JobEvents;
  readonly log: Pick<Logger, 'error' | 'debug'>;
  readonly newId?: () => string;
}

/** Once per thread; its multi-jobs live there. */
export function createMultiJobs({ system, store, events, log, newId = randomUUID }: MultiJobDeps): MultiJobs {
  const owner: QueueOwner = {
    taken({ jid, clientId, stream, bytes }) {
      if (bytes === 0) return;
      const message: OutputMessage = { type: 'output-taken', jid, stream, bytes };
      system.tell(clientRef(clientId), message, 'system');
    },
    async stored(jid) {
      // What the agent sent is passed on before it is stored.
      for (let tries = 0; ; tries++) {
        const row = store.jobs.get(jid);
        const over = row === undefined || row.status !== 'running';
        if (over || tries === STORED_TRIES) {
          return row === undefined ? JSON.stringify({ jid, status: 'unknown' }) : jobJson(row, store.jobs);
        }
        await new Promise<void>((resolve) => {
          system.clock.after(STORED_EVERY, resolve);
        });
      }
    },
  };

  return {
    async start(request) {
      const { work, targeting, targets, creator, scheduleId, concurrent, abortOnError, stream } = request;
      const multiJob: MultiJob = {
        jid: jobId(newId()),
        startedAt: instant(system.clock.now()),
        createdBy: creator,
        scheduleId,
        clientIds: targeting.clientIds,
        groupIds: targeting.groupIds,
        tags: targeting.tags,
        ...work,
        concurrent,
        abortOnError,
      };
      await store.multiJobs.put(multiJob);
      await store.flushed();
      const output = stream ? new OutputQueue(owner) : null;
      const args = { store, events, log, newId, multiJob, targets, output };
      system.spawn(multiJobBehavior, multiJob.jid, args, { epoch: 1 });
      return { id: multiJob.jid, outputs: output };
    },
  };
}

/** Waiting for the store, which is busy but not for ten seconds. */
const STORED_TRIES = 100;
const STORED_EVERY = 100;
