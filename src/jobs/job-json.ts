/** Jobs as JSON texts, for agents and for the API. Spec 04 §3.1. */

import { jsonText } from '../go/json-text.js';
import {
  type JobOrder,
  type JobOutput,
  type JobProgress,
  type JobRow,
  NEVER,
  type OutputName,
  outputNames,
} from './job.js';

/** Where the texts of a stored job come from; each is a JSON text. */
export interface JobTexts {
  command(row: JobRow): string;
  output(row: JobRow, name: OutputName): string;
}

/** Fields of the API apart from `result`, in the order in which they are written. */
export const jobFields = [
  'jid',
  'status',
  'finished_at',
  'client_id',
  'client_name',
  'command',
  'cwd',
  'interpreter',
  'pid',
  'started_at',
  'created_by',
  'timeout_sec',
  'multi_job_id',
  'schedule_id',
  'error',
  'is_sudo',
  'is_script',
] as const;
export type JobField = (typeof jobFields)[number];

/** What is shown of one job in a list. */
export interface JobSelection {
  readonly job: readonly JobField[];
  /** Empty: without `result`. */
  readonly result: readonly OutputName[];
}

/** `run_cmd` for the agent. Spec 04 §7.4. */
export function orderJson(order: JobOrder): string {
  return whole(order, NOT_STARTED, null, {
    status: '',
    command: jsonText(order.command),
    result: 'null',
    stream: order.stream,
  });
}

/** The job of the API with everything. */
export function jobJson(row: JobRow, texts: JobTexts): string {
  return whole(row, row, row.scheduleId, {
    status: row.status,
    command: texts.command(row),
    result: resultJson(row, texts, outputNames),
    stream: false,
  });
}

/** A job that is not stored, as WebSocket clients get one that could not be started. Spec 04 §12.4. */
export function madeJobJson(order: JobOrder, progress: JobProgress, output: JobOutput | null): string {
  const result =
    output === null
      ? 'null'
      : `{${outputNames.map((name) => `${JSON.stringify(name)}:${output[name]}`).join(',')}}`;
  return whole(order, progress, null, {
    status: progress.status,
    command: jsonText(order.command),
    result,
    stream: order.stream,
  });
}

/** A job in a list. Unasked fields are absent, whatever they are. Spec 04 §7.6. */
export function listedJobJson(row: JobRow, { job, result }: JobSelection, texts: JobTexts): string {
  const parts = job.map(
    (field) =>
      `${JSON.stringify(field)}:${field === 'command' ? texts.command(row) : plainField(row, field)}`,
  );
  if (result.length > 0) parts.push(`"result":${resultJson(row, texts, result)}`);
  return `{${parts.join(',')}}`;
}

function resultJson(row: JobRow, texts: JobTexts, names: readonly OutputName[]): string {
  if (row.output === null) return 'null';
  return `{${names.map((name) => `${JSON.stringify(name)}:${texts.output(row, name)}`).join(',')}}`;
}

type Plain = Omit<JobOrder, 'command'> & JobProgress;

const NOT_STARTED: Omit<JobProgress, 'status'> = {
  finishedAt: null,
  pid: null,
  startedAt: NEVER,
  error: '',
};

interface Texts {
  readonly status: string;
  readonly command: string;
  readonly result: string;
  readonly stream: boolean;
}

/**
 * All fields in the order of the reference. Three encodings instead of one for each field: a command on a fleet makes
 * thousands of these.
 */
function whole(
  row: Omit<JobOrder, 'command'>,
  progress: Omit<JobProgress, 'status'>,
  scheduleId: string | null,
  { status, command, result, stream }: Texts,
): string {
  const before = jsonText({
    jid: row.jid,
    status,
    finished_at: progress.finishedAt,
    client_id: row.clientId,
    client_name: row.clientName,
  });
  const between = jsonText({
    cwd: row.cwd,
    interpreter: row.interpreter,
    pid: progress.pid,
    started_at: progress.startedAt,
    created_by: row.createdBy,
    timeout_sec: row.timeoutSec,
    multi_job_id: row.multiJobId,
    schedule_id: scheduleId,
    error: progress.error,
  });
  const { isSudo, isScript } = row;
  return `${before.slice(0, -1)},"command":${command},${between.slice(1, -1)},"result":${result},"is_sudo":${isSudo},"is_script":${isScript},"stream_result":${stream}}`;
}

function plainField(row: Plain, field: Exclude<JobField, 'command'>): string {
  return jsonText(plainValue(row, field));
}

function plainValue(row: Plain, field: Exclude<JobField, 'command'>): unknown {
  switch (field) {
    case 'jid':
      return row.jid;
    case 'status':
      return row.status;
    case 'finished_at':
      return row.finishedAt;
    case 'client_id':
      return row.clientId;
    case 'client_name':
      return row.clientName;
    case 'cwd':
      return row.cwd;
    case 'interpreter':
      return row.interpreter;
    case 'pid':
      return row.pid;
    case 'started_at':
      return row.startedAt;
    case 'created_by':
      return row.createdBy;
    case 'timeout_sec':
      return row.timeoutSec;
    case 'multi_job_id':
      return row.multiJobId;
    case 'schedule_id':
      return row.scheduleId;
    case 'error':
      return row.error;
    case 'is_sudo':
      return row.isSudo;
    case 'is_script':
      return row.isScript;
  }
}
