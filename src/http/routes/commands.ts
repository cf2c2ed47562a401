/** Commands and scripts on several clients. Spec 04 §9. */

import Type from 'typebox';
import type { Principal } from '../../auth/principal.js';
import { checkCommand } from '../../auth/restrictions/check-command.js';
import { Turns } from '../../clients/in-turns.js';
import { AppError } from '../../errors.js';
import { goQuote } from '../../go/quote.js';
import { jobId } from '../../ids.js';
import { defaultTimeout } from '../../jobs/default-timeout.js';
import { commandWork, scriptWork, type Work } from '../../jobs/input.js';
import type { JobRow } from '../../jobs/job.js';
import { jobListSupport, listJobs } from '../../jobs/job-list.js';
import { type MultiJob, summaryJson } from '../../jobs/multi-job.js';
import { multiJobListSupport, multiJobTable } from '../../jobs/multi-job-list.js';
import { showMultiJob } from '../../jobs/shown-multi-job.js';
import { checkTargetAccess, type Target, targetsOf } from '../../jobs/targets.js';
import { listStored } from '../../query/stored.js';
import { readListOptions } from '../../query/validate.js';
import { callerOf } from '../caller.js';
import type { ApiContext } from '../context.js';
import { listParameters } from '../list-parameters.js';
import type { Access, ApiReply, ApiRequest, Route } from '../route.js';
import {
  auditOf,
  executeInput,
  listedJobSchema,
  type MultiExecuteBody,
  multiExecuteBody,
  multiJobSchema,
  multiJobSummarySchema,
  newJobSchema,
  targetingOf,
} from './job-schemas.js';

const TAG = 'Commands';
const commands: Access = { kind: 'user', permission: 'commands' };
const scripts: Access = { kind: 'user', permission: 'scripts' };
/** One list at a time per thread, each in pieces. */
const turns = new Turns();

const startErrors = {
  403: 'A client the caller may not access',
  404: 'An unknown client',
};

const runCommand: Route = {
  method: 'POST',
  path: '/commands',
  access: commands,
  audit: { application: 'client.command', action: 'execute.start' },
  docs: {
    tag: TAG,
    summary: 'Run a command on several clients',
    description:
      'Answers at once with the id of the multi-job. One after the other unless `execute_concurrently`, and then until ' +
      'the first failure unless `abort_on_error` is false. Clients that are not connected fail without stopping it.',
    errors: {
      400: 'Missing or invalid body, empty command, interpreter that is not possible, no clients, an unknown client group, or forbidden by the restrictions of the caller’s groups',
      ...startErrors,
    },
  },
  body: multiExecuteBody,
  responses: { 200: newJobSchema },
  async handler(request, context) {
    const body = request.body as MultiExecuteBody;
    const work = commandWork(executeInput(body), defaultTimeout(context.config));
    checkCommand(callerOf(request).commandRestrictions, work);
    return start(request, context, work, targetsOf(context.clients, targetingOf(body)));
  },
};

const runScript: Route = {
  method: 'POST',
  path: '/scripts',
  access: scripts,
  audit: { application: 'client.script', action: 'execute.start' },
  docs: {
    tag: TAG,
    summary: 'Run a script on several clients',
    description: 'Like a command on several clients; the script is sent in base64.',
    errors: {
      400: 'Missing or invalid body, missing script, not base64, no clients, or an unknown client group',
      ...startErrors,
    },
  },
  body: multiExecuteBody,
  responses: { 200: newJobSchema },
  async handler(request, context) {
    const body = request.body as MultiExecuteBody;
    const targets = targetsOf(context.clients, targetingOf(body));
    return start(
      request,
      context,
      scriptWork(executeInput(body), defaultTimeout(context.config), 'multi'),
      targets,
    );
  },
};

const listMultiJobs: Route = {
  method: 'GET',
  path: '/commands',
  access: commands,
  docs: {
    tag: TAG,
    summary: 'List the commands and scripts on several clients',
    description: 'Those of all users, the newest first.',
    query: listParameters(multiJobListSupport),
    errors: { 400: 'Unsupported sort or filter, or a page out of range' },
  },
  responses: { 200: Type.Array(multiJobSummarySchema) },
  async handler(request, { store }) {
    const options = readListOptions(request.query, multiJobListSupport);
    const { items, count } = await turns.run(() => listStored(multiJobTable(store.multiJobs), options));
    return { status: 200, json: `{"data":[${items.map(summaryJson).join(',')}],"meta":{"count":${count}}}` };
  },
};

const showMulti: Route = {
  method: 'GET',
  path: '/commands/{job_id}',
  access: commands,
  docs: {
    tag: TAG,
    summary: 'Show a command or script on several clients with its newest jobs',
    description: 'Output beyond 32 MiB is named by its size; ask for those jobs one by one.',
    errors: { 403: 'Started by another user', 404: 'There is no such multi-job' },
  },
  responses: { 200: multiJobSchema },
  async handler(request, context) {
    const caller = callerOf(request);
    const multiJob = multiJobOf(request, context, caller);
    if (multiJob === undefined) {
      throw new AppError('not_found', {
        title: `Multi-client Job[id=${goQuote(request.params.job_id ?? '')}] not found.`,
      });
    }
    const { jobs } = context.store;
    const text = await turns.run(() => showMultiJob(jobs, multiJob, visibleTo(context, caller)));
    return { status: 200, json: `{"data":${text}}` };
  },
};

const listChildren: Route = {
  method: 'GET',
  path: '/commands/{job_id}/jobs',
  access: commands,
  docs: {
    tag: TAG,
    summary: 'List the jobs of a command or script on several clients',
    description: 'Like the list of one client; of clients the caller may access.',
    query: listParameters(jobListSupport),
    errors: {
      400: 'Unsupported sort, filter or field, a page out of range, or too much output in one answer',
      403: 'Started by another user',
    },
  },
  responses: { 200: Type.Array(listedJobSchema) },
  async handler(request, context) {
    const options = readListOptions(request.query, jobListSupport);
    const caller = callerOf(request);
    multiJobOf(request, context, caller);
    const { jobs } = context.store;
    const range = jobs.ofMultiJob(jobId(request.params.job_id ?? ''));
    const { items, count } = await turns.run(() =>
      listJobs(range, jobs, options, visibleTo(context, caller)),
    );
    return { status: 200, json: `{"data":${items},"meta":{"count":${count}}}` };
  },
};

export const commandRoutes: readonly Route[] = [
  runCommand,
  listMultiJobs,
  showMulti,
  listChildren,
  runScript,
];

async function start(
  request: ApiRequest,
  { clients, multiJobs }: ApiContext,
  work: Work,
  targets: readonly Target[],
): Promise<ApiReply> {
  const caller = callerOf(request);
  const body = request.body as MultiExecuteBody;
  checkTargetAccess(clients, targets, caller);
  const { id } = await multiJobs.start({
    work,
    targeting: targetingOf(body),
    targets,
    creator: caller.username,
    scheduleId: null,
    concurrent: body.execute_concurrently ?? false,
    abortOnError: body.abort_on_error ?? true,
    stream: false,
  });
  const asked = { ...body, command: work.command, timeout_sec: work.timeoutSec };
  return { status: 200, data: { jid: id }, audit: auditOf(id, targets, asked) };
}

/** Throws `AppError` 403 when somebody else has started it. */
function multiJobOf(request: ApiRequest, { store }: ApiContext, caller: Principal): MultiJob | undefined {
  const multiJob = store.multiJobs.get(jobId(request.params.job_id ?? ''));
  if (multiJob !== undefined && !caller.admin && multiJob.createdBy !== caller.username) {
    throw new AppError('forbidden', {
      detail: 'you are not allowed to access items created by another user',
    });
  }
  return multiJob;
}

/** `null`: everything. */
const visibleTo = ({ clients }: ApiContext, caller: Principal): ((row: JobRow) => boolean) | null =>
  caller.admin ? null : ({ clientId }) => clients.canAccess(clientId, caller);
