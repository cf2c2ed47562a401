/** What a client's actor knows of the jobs on its connection. */

import type { JobId } from '../../ids.js';
import type { JobOrder, JobRow } from '../../jobs/job.js';
import type { RequestReply } from '../../protocol/session.js';
import type { StreamName } from '../multi-job/messages.js';
import type { Sender } from '../runtime/types.js';
import type { OutputChannel } from './output.js';
import { Saves } from './saves.js';

/** A job that was sent on this connection and is not stored yet, or whose output is streamed. */
export interface ActiveJob {
  readonly order: JobOrder;
  /** Of each stream, bytes. */
  readonly outputWindow: number;
  readonly channels: Map<StreamName, OutputChannel>;
  /** It was answered, and is or will be stored with that. */
  stored: boolean;
  /** The agent has reported its end. */
  reported: boolean;
}

export interface ClientJobs {
  /** Of the client, for the audit log. */
  readonly hostname: string;
  readonly active: Map<JobId, ActiveJob>;
  /** Results under way from the wire into the store, bytes. */
  pendingBytes: number;
  /** The next result is read when those before it have been: they come in order, and memory stays bounded. */
  reading: Promise<void>;
  /** Of jobs and their results. */
  readonly saves: Saves;
}

export const newClientJobs = (hostname: string): ClientJobs => ({
  hostname,
  active: new Map(),
  pendingBytes: 0,
  reading: Promise.resolve(),
  saves: new Saves(),
});

type Outcome<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly error: Error };

/** What the actor of a client sends itself about jobs. */
export type JobMessage =
  | {
      readonly type: 'job-answered';
      readonly jid: JobId;
      readonly durable: boolean;
      readonly outcome: Outcome<RequestReply>;
      readonly sender: Sender;
    }
  | { readonly type: 'job-stored'; readonly jid: JobId }
  | { readonly type: 'job-reported'; readonly outcome: Outcome<JobRow | null>; readonly bytes: number };

/** What multi-jobs tell the actor of a client about output they were given. */
export type OutputMessage =
  | {
      readonly type: 'output-taken';
      readonly jid: JobId;
      readonly stream: StreamName;
      readonly bytes: number;
    }
  /** Nobody waits for the output of this job any more. */
  | { readonly type: 'output-released'; readonly jid: JobId }
  /** A thread is gone, and with it whoever waited for output there. */
  | { readonly type: 'outputs-orphaned' };
