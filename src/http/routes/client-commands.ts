/** Commands and scripts on one client. Spec 04 §7. */

import { randomUUID } from 'node:crypto';
import Type from 'typebox';
import { notActive, startJob } from '../../actors/job/start.js';
import { checkCommand } from '../../auth/restrictions/check-command.js';
import { Turns } from '../../clients/in-turns.js';
import { AppError } from '../../errors.js';
import { goQuote } from '../../go/quote.js';
import { clientId, jobId } from '../../ids.js';
import { defaultTimeout } from '../../jobs/default-timeout.js';
import { commandWork, scriptWork, type Work } from '../../jobs/input.js';
import type { JobOrder } from '../../jobs/job.js';
import { jobJson } from '../../jobs/job-json.js';
import { jobListSupport, listJobs } from '../../jobs/job-list.js';
import { readListOptions } from '../../query/validate.js';
import { callerOf } from '../caller.js';
import type { ApiContext } from '../context.js';
import { listParameters } from '../list-parameters.js';
import type { Access, ApiReply, ApiRequest, Route } from '../route.js';
import {
  auditOf,
  type ExecuteBody,
  executeBody,
  executeInput,
  jobSchema,
  listedJobSchema,
  newJobSchema,
} from './job-schemas.js';

const TAG = 'Commands';
const commands: Access = { kind: 'user', client: true, permission: 'commands' };
const scripts: Access = { kind: 'user', client: true, permission: 'scripts' };
/** One list at a time per thread, each in pieces. */
const turns = new Turns();

const startErrors = {
  404: 'The client is unknown or not connected',
  409: 'The client refuses: commands or scripts are switched off there, the command is not allowed, it could not be started',
  500: 'The client could not be reached, or the job could not be stored',
};

const runCommand: Route = {
  method: 'POST',
  path: '/clients/{client_id}/commands',
  access: commands,
  audit: { application: 'client.command', action: 'execute.start' },
  docs: {
    tag: TAG,
    summary: 'Run a command on a client',
    description: 'Answers as soon as the client has started it. Ask for the job to see what became of it.',
    errors: {
      400: 'Missing or invalid body, empty command, interpreter that is not possible, or forbidden by the restrictions of the caller’s groups',
      ...startErrors,
    },
  },
  body: executeBody,
  responses: { 200: newJobSchema },
  async handler(request, context) {
    const { commandRestrictions } = callerOf(request);
    const work = commandWork(executeInput(request.body as ExecuteBody), defaultTimeout(context.config));
    checkCommand(commandRestrictions, work);
    return start(request, context, work);
  },
};

const runScript: Route = {
  method: 'POST',
  path: '/clients/{client_id}/scripts',
  access: scripts,
  audit: { application: 'client.script', action: 'execute.start' },
  docs: {
    tag: TAG,
    summary: 'Run a script on a client',
    description:
      'Like a command; the script is sent in base64. Its job is found among the commands of the client.',
    errors: { 400: 'Missing or invalid body, missing or empty script, or not base64', ...startErrors },
  },
  body: executeBody,
  responses: { 200: newJobSchema },
  async handler(request, context) {
    const input = executeInput(request.body as ExecuteBody);
    return start(request, context, scriptWork(input, defaultTimeout(context.config), 'single'));
  },
};

const showJob: Route = {
  method: 'GET',
  path: '/clients/{client_id}/commands/{job_id}',
  access: commands,
  docs: {
    tag: TAG,
    summary: 'Show a command or script of a client with its output',
    errors: { 404: 'The client has no such job' },
  },
  responses: { 200: jobSchema },
  handler(request, { store }) {
    const { client_id: client = '', job_id: id = '' } = request.params;
    const row = store.jobs.get(jobId(id));
    if (row === undefined || row.clientId !== client) {
      throw new AppError('not_found', { title: `Job[id=${goQuote(id)}] not found.` });
    }
    return { status: 200, json: `{"data":${jobJson(row, store.jobs)}}` };
  },
};

const listClientJobs: Route = {
  method: 'GET',
  path: '/clients/{client_id}/commands',
  access: commands,
  docs: {
    tag: TAG,
    summary: 'List the commands and scripts of a client',
    description:
      'The latest end first, those that still run last. Shows `jid`, `status`, `finished_at` and `result.summary` ' +
      'unless `fields[…]` says otherwise; `fields[jobs]`, `fields[commands]` and `fields[scripts]` mean the same.',
    query: listParameters(jobListSupport),
    errors: {
      400: 'Unsupported sort, filter or field, a page out of range, or too much output in one answer',
    },
  },
  responses: { 200: Type.Array(listedJobSchema) },
  async handler(request, { store }) {
    const options = readListOptions(request.query, jobListSupport);
    const range = store.jobs.ofClient(clientId(request.params.client_id ?? ''));
    const { items, count } = await turns.run(() => listJobs(range, store.jobs, options, null));
    return { status: 200, json: `{"data":${items},"meta":{"count":${count}}}` };
  },
};

export const clientCommandRoutes: readonly Route[] = [runCommand, listClientJobs, showJob, runScript];

async function start(request: ApiRequest, { actors, clients }: ApiContext, work: Work): Promise<ApiReply> {
  const { client_id: id = '' } = request.params;
  const client = clients.get(clientId(id));
  if (client === undefined || client.disconnectedAt !== null) throw notActive(id);
  const order: JobOrder = {
    ...work,
    jid: jobId(randomUUID()),
    clientId: client.id,
    clientName: client.name,
    createdBy: callerOf(request).username,
    multiJobId: null,
    scheduleId: null,
    stream: false,
  };
  await startJob(actors, order);
  const { command, interpreter, cwd, isSudo, isScript, timeoutSec } = work;
  const { script = '' } = request.body as ExecuteBody;
  const asked = {
    command,
    script,
    interpreter,
    cwd,
    is_sudo: isSudo,
    timeout_sec: timeoutSec,
    ClientID: id,
    IsScript: isScript,
  };
  return { status: 200, data: { jid: order.jid }, audit: auditOf(order.jid, [client], asked) };
}
