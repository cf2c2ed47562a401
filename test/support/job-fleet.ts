/** Clients of one thread or two that run jobs, with the multi-jobs of the first thread and the guard on main. */

import type { TestContext } from 'node:test';
import { clientRef } from '../../src/actors/client/messages.js';
import { spawnJobGuard } from '../../src/actors/job-guard/behavior.js';
import {
  createMultiJobs,
  type MultiJobStart,
  type StartedMultiJob,
} from '../../src/actors/multi-job/multi-jobs.js';
import { clientId, type JobId } from '../../src/ids.js';
import type { JobRow } from '../../src/jobs/job.js';
import type { RequestReply } from '../../src/protocol/session.js';
import { clientFleet, type Fleet, introduce, silentJobs } from './client-fleet.js';
import { type FakeSession, failure, success } from './fake-session.js';
import { type Order, result, STARTED_AT } from './job-agent.js';

export interface JobFleet extends Omit<Fleet, 'passing'> {
  /** A connected agent; `answer` replaces its reply to `run_cmd`. */
  agent(
    id: string,
    options?: {
      readonly shard?: number;
      readonly answer?: (order: Order) => RequestReply | Promise<RequestReply>;
    },
  ): Promise<JobSession>;
  start(ids: readonly string[], change?: Partial<MultiJobStart>): Promise<StartedMultiJob>;
  children(id: JobId): readonly JobRow[];
  /** Lets time go on, second by second, until `condition` holds: the guard of jobs looks once a second. */
  passing(condition: () => boolean): Promise<void>;
  /** Resolves when a multi-job waits for nothing any more. */
  over(id: JobId): Promise<void>;
}

export interface JobSession {
  readonly session: FakeSession;
  readonly orders: readonly Order[];
  report(order: Order, change?: Readonly<Record<string, unknown>>): void;
}

export async function jobFleet(test: TestContext, shards = 1): Promise<JobFleet> {
  const fleet = await clientFleet(test, { shards });
  spawnJobGuard(fleet.main, { store: fleet.store, events: silentJobs, log: fleet.log });
  const [first] = fleet.shards;
  if (first === undefined) throw new Error('no shard');
  const multiJobs = createMultiJobs({
    system: first.system,
    store: fleet.store,
    events: silentJobs,
    log: fleet.log,
  });
  return {
    ...fleet,
    async agent(id, { shard = 0, answer = () => success({ Pid: 1, StartedAt: STARTED_AT }) } = {}) {
      const orders: Order[] = [];
      const session = fleet.session(
        {
          onRequest(name, payload) {
            if (name !== 'run_cmd') return failure('unknown request');
            const order = JSON.parse(payload) as Order;
            orders.push(order);
            return answer(order);
          },
        },
        shard,
      );
      const reply = await introduce(session, { ID: id });
      if (!reply.ok) throw new Error(reply.payload.toString());
      // The multi-jobs of the first thread must have heard of it.
      await fleet.until(() => first.system.locate(clientRef(clientId(id))) !== undefined);
      return {
        session,
        orders,
        report: (order, change) => session.tell('cmd_result', result(order, change)),
      };
    },
    start: (ids, change = {}) =>
      multiJobs.start({
        work: { command: 'id', interpreter: '', cwd: '', isSudo: false, isScript: false, timeoutSec: 60 },
        targeting: { clientIds: ids, groupIds: null, tags: null },
        targets: ids.map((id) => ({ id: clientId(id), name: id, hostname: id })),
        creator: 'ada',
        scheduleId: null,
        concurrent: true,
        abortOnError: true,
        stream: false,
        ...change,
      }),
    children: (id) => [...fleet.store.jobs.ofMultiJob(id).scan({})],
    passing: (condition) => fleet.passing(condition, 1_000),
    over: (id) => fleet.until(() => first.system.locate({ kind: 'multi-job', id }) === undefined),
  };
}
