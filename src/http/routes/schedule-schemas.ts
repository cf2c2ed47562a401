/** Body and answer of schedules: one shape for both. Spec 04 §15.1. */

import Type, { type Static, type TSchema } from 'typebox';
import type { ScheduleInput, ScheduleType } from '../../schedules/schedule.js';
import { executeInput, multiExecuteBody, targetingOf } from './job-schemas.js';

const orNull = <Schema extends TSchema>(schema: Schema) => Type.Union([schema, Type.Null()]);
const ignored = { description: 'Ignored' };
const { properties: asked } = multiExecuteBody;

export const scheduleBody = Type.Object({
  id: Type.Optional(Type.String(ignored)),
  created_at: Type.Optional(Type.String(ignored)),
  created_by: Type.Optional(Type.String(ignored)),
  name: Type.Optional(Type.String({ description: 'Any, also that of others' })),
  schedule: Type.Optional(
    Type.String({
      description:
        'Required. Minute, hour, day of month, month and day of week as in cron, `@hourly` and the like, or `@every 90s`; ' +
        '`CRON_TZ=Europe/Berlin ` in front names the time zone, else it is that of the server',
    }),
  ),
  type: Type.Optional(Type.String({ description: 'Required. `command` or `script`' })),
  ...asked,
  overlaps: Type.Optional(
    Type.Boolean({ description: 'Begin a run even if the one before is under way. Default false' }),
  ),
  last_execution: Type.Optional(Type.Unknown(ignored)),
  updated_by: Type.Optional(Type.String(ignored)),
  next_run: Type.Optional(Type.Unknown(ignored)),
});
export type ScheduleBody = Static<typeof scheduleBody>;

const time = (description: string) => Type.String({ format: 'date-time', description });

export const scheduleSchema = Type.Object(
  {
    id: Type.String(),
    created_at: time('When it was made'),
    created_by: Type.String({ description: 'User for whom it runs' }),
    name: Type.String(),
    schedule: Type.String({ description: 'As given' }),
    type: Type.String({ description: '`command` or `script`' }),
    client_ids: orNull(Type.Array(Type.String())),
    group_ids: orNull(Type.Array(Type.String())),
    tags: orNull(Type.Object({ tags: Type.Array(Type.String()), operator: Type.String() })),
    command: Type.Optional(Type.String({ description: 'Absent when empty' })),
    script: Type.Optional(Type.String({ description: 'In base64. Absent when empty' })),
    interpreter: Type.String(),
    cwd: Type.String(),
    is_sudo: Type.Boolean(),
    timeout_sec: Type.Integer(),
    execute_concurrently: Type.Boolean(),
    abort_on_error: orNull(Type.Boolean({ description: 'null counts as true' })),
    overlaps: Type.Boolean(),
    last_execution: orNull(
      Type.Object(
        {
          started_at: time('When it began'),
          client_count: Type.Integer({ description: 'Clients it has come to so far' }),
          success_count: Type.Integer({ description: 'Those it went well on' }),
          status: orNull(Type.String({ description: 'Of the job; null unless there is one client' })),
          summary: orNull(
            Type.String({ description: 'Of the job; null unless there is one client, and it has reported' }),
          ),
        },
        { description: 'The newest run that has come to a client' },
      ),
    ),
    updated_by: Type.String({ description: 'User who has changed it last' }),
    next_run: orNull(time('When it is due next; null: never')),
  },
  { $id: 'Schedule' },
);

/** `type` stands for that of the body, which need not be one. */
export const scheduleInput = (body: ScheduleBody, type: ScheduleType): ScheduleInput => ({
  name: body.name ?? '',
  schedule: body.schedule ?? '',
  type,
  ...targetingOf(body),
  ...executeInput(body),
  concurrent: body.execute_concurrently ?? false,
  abortOnError: body.abort_on_error ?? null,
  overlaps: body.overlaps ?? false,
});
