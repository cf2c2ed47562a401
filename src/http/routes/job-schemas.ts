/** Bodies and answers of commands and scripts. Spec 04 §3. */

import Type, { type Static, type TProperties } from 'typebox';
import type { AuditDetails } from '../../audit/audit-log.js';
import type { ExecuteInput } from '../../jobs/input.js';
import type { MultiJob } from '../../jobs/multi-job.js';
import type { Target } from '../../jobs/targets.js';

const orNull = <Schema extends Parameters<typeof Type.Union>[0][number]>(schema: Schema) =>
  Type.Union([schema, Type.Null()]);

const executeFields = {
  command: Type.Optional(Type.String({ description: 'Command line. Required for commands' })),
  script: Type.Optional(Type.String({ description: 'The script in base64. Required for scripts' })),
  interpreter: Type.Optional(
    Type.String({
      description:
        'Empty: the default of the client. Commands: `cmd` or `powershell`; scripts: also `tacoscript`, an alias of the client, or a path',
    }),
  ),
  cwd: Type.Optional(Type.String({ description: 'Working directory; empty: that of the agent' })),
  is_sudo: Type.Optional(Type.Boolean({ description: 'Run it with `sudo -n`' })),
  timeout_sec: Type.Optional(
    Type.Integer({
      description:
        'Seconds after which the client stops waiting; 0: `run_remote_cmd_timeout_sec` of the server',
    }),
  ),
} satisfies TProperties;

/** For one client. */
export const executeBody = Type.Object({
  ...executeFields,
  ClientID: Type.Optional(Type.String({ description: 'Ignored' })),
  IsScript: Type.Optional(Type.Boolean({ description: 'Ignored' })),
});
export type ExecuteBody = Static<typeof executeBody>;

const tagsSchema = Type.Object(
  {
    tags: Type.Optional(Type.Array(Type.String())),
    operator: Type.Optional(Type.String({ description: '`AND`: all tags have to match; else one of them' })),
  },
  { description: 'Clients by their tags; not together with `client_ids` or `group_ids`' },
);

/** For several clients. */
export const multiExecuteBody = Type.Object({
  client_ids: Type.Optional(orNull(Type.Array(Type.String()))),
  group_ids: Type.Optional(orNull(Type.Array(Type.String(), { description: 'Client groups' }))),
  tags: Type.Optional(orNull(tagsSchema)),
  ...executeFields,
  execute_concurrently: Type.Optional(
    Type.Boolean({ description: 'On all clients at once; else one after the other' }),
  ),
  abort_on_error: Type.Optional(
    orNull(Type.Boolean({ description: 'Stop at the first failure, unless concurrent. Default true' })),
  ),
});
export type MultiExecuteBody = Static<typeof multiExecuteBody>;

export const newJobSchema = Type.Object({ jid: Type.String() });

const time = (description: string) => Type.String({ format: 'date-time', description });

const resultSchema = Type.Object({
  stdout: Type.String(),
  stderr: Type.String(),
  summary: Type.String({ description: 'What the output has between `<summary>` and `</summary>`' }),
});

const jobProperties = {
  jid: Type.String(),
  status: Type.String({ description: '`running`, `successful`, `failed` or `unknown`' }),
  finished_at: orNull(time('By the clock of the client; null while it runs')),
  client_id: Type.String(),
  client_name: Type.String({ description: 'When it was started' }),
  command: Type.String({ description: 'Command line or text of the script' }),
  cwd: Type.String(),
  interpreter: Type.String(),
  pid: orNull(Type.Integer()),
  started_at: time('By the clock of the client'),
  created_by: Type.String(),
  timeout_sec: Type.Integer(),
  multi_job_id: orNull(Type.String()),
  schedule_id: orNull(Type.String()),
  error: Type.String(),
  result: orNull(resultSchema),
  is_sudo: Type.Boolean(),
  is_script: Type.Boolean(),
  stream_result: Type.Boolean({ description: 'Always false' }),
} satisfies TProperties;

export const jobSchema = Type.Object(jobProperties, { $id: 'Job' });

/** Only the requested fields are present. */
export const listedJobSchema = Type.Partial(
  Type.Object({ ...jobProperties, result: orNull(Type.Partial(resultSchema)) }),
);

export const multiJobSummarySchema = Type.Object({
  jid: Type.String(),
  started_at: time('When it was asked for'),
  created_by: Type.String(),
  schedule_id: orNull(Type.String()),
});

export const multiJobSchema = Type.Object(
  {
    ...multiJobSummarySchema.properties,
    client_ids: orNull(Type.Array(Type.String())),
    group_ids: orNull(Type.Array(Type.String())),
    tags: orNull(tagsSchema),
    command: Type.String(),
    cwd: Type.String(),
    interpreter: Type.String(),
    timeout_sec: Type.Integer(),
    concurrent: Type.Boolean(),
    abort_on_err: Type.Boolean(),
    jobs: Type.Array(Type.Object(jobProperties), { description: 'The 100 newest' }),
    is_sudo: Type.Boolean(),
    is_script: Type.Boolean(),
  },
  { $id: 'MultiJob' },
);

export const executeInput = (body: ExecuteBody): ExecuteInput => ({
  command: body.command ?? '',
  script: body.script ?? '',
  interpreter: body.interpreter ?? '',
  cwd: body.cwd ?? '',
  isSudo: body.is_sudo ?? false,
  timeoutSec: body.timeout_sec ?? 0,
});

export const targetingOf = (body: MultiExecuteBody): Pick<MultiJob, 'clientIds' | 'groupIds' | 'tags'> => ({
  clientIds: body.client_ids ?? null,
  groupIds: body.group_ids ?? null,
  tags:
    body.tags === undefined || body.tags === null
      ? null
      : { tags: body.tags.tags ?? [], operator: body.tags.operator ?? '' },
});

/** One entry of the audit log for each client. Spec 04 §21. */
export const auditOf = (jid: string, targets: readonly Target[], request: unknown): readonly AuditDetails[] =>
  targets.map(({ id, hostname }) => ({
    affectedId: jid,
    clientId: id,
    clientHostname: hostname,
    request,
    response: { jid },
  }));
