/** Commands and scripts that run again and again. Spec 04 §15. */

import Type from 'typebox';
import type { AuditDetails } from '../../audit/audit-log.js';
import type { Principal } from '../../auth/principal.js';
import { Turns } from '../../clients/in-turns.js';
import { AppError } from '../../errors.js';
import { type ScheduleId, scheduleId } from '../../ids.js';
import { defaultTimeout } from '../../jobs/default-timeout.js';
import { checkTargetAccess, type Target, targetsOf } from '../../jobs/targets.js';
import { listStored } from '../../query/stored.js';
import type { ListOptions } from '../../query/types.js';
import { readListOptions } from '../../query/validate.js';
import { checkRights } from '../../schedules/check-rights.js';
import { checkSchedule, checkType } from '../../schedules/check-schedule.js';
import { lastExecution } from '../../schedules/last-execution.js';
import type { LastExecution, Schedule, ScheduleInput } from '../../schedules/schedule.js';
import { inputJson, scheduleJson, storedJson } from '../../schedules/schedule-json.js';
import { scheduleListSupport, scheduleTable } from '../../schedules/schedule-list.js';
import { callerOf } from '../caller.js';
import type { ApiContext } from '../context.js';
import { listParameters } from '../list-parameters.js';
import type { Access, ApiRequest, Route } from '../route.js';
import { type ScheduleBody, scheduleBody, scheduleInput, scheduleSchema } from './schedule-schemas.js';

const TAG = 'Schedules';
const PATH = '/schedules/{schedule_id}';
const access: Access = { kind: 'user', permission: 'scheduler' };
/** One list at a time per thread, each in pieces. */
const turns = new Turns();

const changeErrors = {
  400: 'Missing or invalid body, type, cron text, interpreter, command or script; no clients, an unknown client group, or forbidden by the restrictions of the caller’s groups',
  403: 'A client the caller may not access',
};

const listSchedules: Route = {
  method: 'GET',
  path: '/schedules',
  access,
  docs: {
    tag: TAG,
    summary: 'List the schedules',
    description:
      'Those of all users, in the order of their creation. The list is wrapped twice: its items are `data.data`.',
    query: listParameters(scheduleListSupport, 'stored'),
    errors: { 400: 'Unsupported sort or filter, or a page out of range' },
  },
  responses: {
    200: Type.Object({
      data: Type.Array(scheduleSchema),
      meta: Type.Object({ count: Type.Integer({ description: 'Before paging' }) }),
    }),
  },
  async handler(request, context) {
    const options = readListOptions(request.query, scheduleListSupport);
    const { items, count } = await turns.run(() => page(context, options, callerOf(request)));
    const next = await context.schedules.nextRuns(items.map(({ schedule }) => schedule.id));
    const texts = items.map(({ schedule, last }, index) => scheduleJson(schedule, last, next[index] ?? null));
    return { status: 200, json: `{"data":{"data":[${texts.join(',')}],"meta":{"count":${count}}}}` };
  },
};

const showSchedule: Route = {
  method: 'GET',
  path: PATH,
  access,
  docs: { tag: TAG, summary: 'Show one schedule', errors: { 404: 'There is no such schedule' } },
  responses: { 200: scheduleSchema },
  async handler(request, context) {
    const schedule = context.store.schedules.get(idOf(request));
    if (schedule === undefined) throw unknownSchedule(request);
    const [next = null] = await context.schedules.nextRuns([schedule.id]);
    const last = await turns.run(() => visibleExecution(context, schedule.id, callerOf(request)));
    return { status: 200, json: `{"data":${scheduleJson(schedule, last, next)}}` };
  },
};

const addSchedule: Route = {
  method: 'POST',
  path: '/schedules',
  access,
  docs: {
    tag: TAG,
    summary: 'Have a command or script run again and again',
    description:
      'With the rights of its creator, and of who has changed it last, as they are at the time of each run. It counts ' +
      'when this has answered.',
    errors: { ...changeErrors, 404: 'An unknown client' },
  },
  audit: { application: 'schedule', action: 'create' },
  body: scheduleBody,
  responses: { 201: scheduleSchema },
  async handler(request, context) {
    const { input, targets } = readSchedule(request, context);
    const { schedule, next } = await context.schedules.add(input, callerOf(request).username);
    return {
      status: 201,
      json: `{"data":${scheduleJson(schedule, null, next)}}`,
      audit: auditOf(schedule, targets, input),
    };
  },
};

const replaceSchedule: Route = {
  method: 'PUT',
  path: PATH,
  access,
  docs: {
    tag: TAG,
    summary: 'Replace a schedule',
    description: 'What the body does not give has its default afterwards. Runs that are under way go on.',
    errors: { ...changeErrors, 404: 'There is no such schedule, or an unknown client' },
  },
  audit: { application: 'schedule', action: 'update' },
  body: scheduleBody,
  responses: { 200: scheduleSchema },
  async handler(request, context) {
    const { input, targets } = readSchedule(request, context);
    const caller = callerOf(request);
    const replaced = await context.schedules.replace(idOf(request), input, caller.username);
    if (replaced === null) throw unknownSchedule(request);
    const { schedule, next } = replaced;
    const last = await turns.run(() => visibleExecution(context, schedule.id, caller));
    return {
      status: 200,
      json: `{"data":${scheduleJson(schedule, last, next)}}`,
      audit: auditOf(schedule, targets, input),
    };
  },
};

const removeSchedule: Route = {
  method: 'DELETE',
  path: PATH,
  access,
  docs: {
    tag: TAG,
    summary: 'Delete a schedule with all that is known of its runs',
    description: 'What runs on a client at that time goes on there; no further client is told to begin.',
    errors: { 404: 'There is no such schedule' },
  },
  audit: { application: 'schedule', action: 'delete' },
  responses: { 204: null },
  async handler(request, { schedules }) {
    const id = idOf(request);
    if (!(await schedules.remove(id))) throw unknownSchedule(request);
    return { status: 204, empty: true, audit: { affectedId: id } };
  },
};

export const scheduleRoutes: readonly Route[] = [
  listSchedules,
  showSchedule,
  addSchedule,
  replaceSchedule,
  removeSchedule,
];

const idOf = ({ params }: ApiRequest): ScheduleId => scheduleId(params.schedule_id ?? '');

const unknownSchedule = (request: ApiRequest): AppError =>
  new AppError('not_found', { title: `Cannot find a schedule by the provided id: ${idOf(request)}` });

/** In the order of the reference, spec 04 §15.3. Throws `AppError`. */
function readSchedule(
  request: ApiRequest,
  { clients, config }: ApiContext,
): { readonly input: ScheduleInput; readonly targets: readonly Target[] } {
  const caller = callerOf(request);
  const body = request.body as ScheduleBody;
  const { type = '' } = body;
  // The reference looks at commands before anything else. An empty one is refused below, with a text of its own.
  if (type === 'script' || (type === 'command' && (body.command ?? '') !== '')) {
    checkRights(caller, scheduleInput(body, type));
  }
  const input = scheduleInput(body, type === 'script' ? 'script' : 'command');
  const targets = targetsOf(clients, input);
  checkTargetAccess(clients, targets, caller);
  checkType(type);
  checkSchedule(input, defaultTimeout(config));
  return { input, targets };
}

interface PageItem {
  readonly schedule: Schedule;
  readonly last: LastExecution | null;
}

function* page(
  context: ApiContext,
  options: ListOptions,
  caller: Principal,
): Generator<void, { readonly items: readonly PageItem[]; readonly count: number }> {
  const { items, count } = yield* listStored(scheduleTable(context.store.schedules), options);
  const shown: PageItem[] = [];
  for (const schedule of items) {
    shown.push({ schedule, last: yield* visibleExecution(context, schedule.id, caller) });
    yield;
  }
  return { items: shown, count };
}

/** Anybody with the permission sees all schedules, but output only of clients that are his. */
const visibleExecution = (
  { store, clients }: ApiContext,
  id: ScheduleId,
  caller: Principal,
): Generator<void, LastExecution | null> =>
  lastExecution(store, id, (client) => clients.canAccess(client, caller));

const auditOf = (
  schedule: Schedule,
  targets: readonly Target[],
  input: ScheduleInput,
): readonly AuditDetails[] => {
  const request = inputJson(input);
  const response = storedJson(schedule);
  return targets.map(({ id, hostname }) => ({
    affectedId: schedule.id,
    clientId: id,
    clientHostname: hostname,
    request,
    response,
  }));
};
