/** What the actors of clients tell a multi-job. It crosses threads. */

import type { ClientId, JobId } from '../../ids.js';
import type { JobStatus } from '../../jobs/job.js';
import type { ActorRef } from '../runtime/types.js';

/** The streams an agent sends while a job runs. */
export type StreamName = 'stdout' | 'stderr';

export const MULTI_JOB_KIND = 'multi-job';
/** Reachable from every thread while it has something to wait for. */
export const multiJobRef = (id: JobId): ActorRef => ({ kind: MULTI_JOB_KIND, id });

export type MultiJobMessage =
  /** Output of a job that is streamed; the bytes are to be given back with `output-taken`. */
  | {
      readonly type: 'partial';
      readonly jid: JobId;
      readonly clientId: ClientId;
      readonly clientName: string;
      readonly stream: StreamName;
      readonly text: string;
      /** Of the channel; more or less than `text` has. */
      readonly bytes: number;
    }
  /** The result of a job that is streamed, as the agent sent it. Told before it is stored. */
  | { readonly type: 'final'; readonly jid: JobId; readonly clientId: ClientId; readonly body: Uint8Array }
  /** What it belongs to was removed: no further jobs are started. */
  | { readonly type: 'abandoned' }
  /** A job has ended and that is stored. `reported`: by its agent, else because no report came in time. */
  | {
      readonly type: 'ended';
      readonly jid: JobId;
      readonly clientId: ClientId;
      readonly status: JobStatus;
      readonly reported: boolean;
    };
