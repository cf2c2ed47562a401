/** The one message of a client of `/ws/commands` or `/ws/scripts`, and everything that may be wrong with it. Spec 04 §12.3. */

import type { Principal } from '../../auth/principal.js';
import { checkCommand } from '../../auth/restrictions/check-command.js';
import { AppError } from '../../errors.js';
import { defaultTimeout } from '../../jobs/default-timeout.js';
import { commandWork, scriptWork, type Work } from '../../jobs/input.js';
import type { MultiJob } from '../../jobs/multi-job.js';
import { checkTargetAccess, type Target, targetsOf } from '../../jobs/targets.js';
import type { ApiContext } from '../context.js';
import { readJsonBody } from '../json/body.js';
import { executeInput, type MultiExecuteBody, multiExecuteBody, targetingOf } from '../routes/job-schemas.js';

export type RunKind = 'command' | 'script';

export interface RunRequest {
  readonly work: Work;
  readonly targeting: Pick<MultiJob, 'clientIds' | 'groupIds' | 'tags'>;
  readonly targets: readonly Target[];
  readonly concurrent: boolean;
  readonly abortOnError: boolean;
  /** For the audit log. */
  readonly asked: object;
}

/** Throws `AppError` with title and detail of the reference, in the order in which it looks. */
export function readRunRequest(
  text: string,
  kind: RunKind,
  caller: Principal,
  { clients, config }: Pick<ApiContext, 'clients' | 'config'>,
): RunRequest {
  const body = readMessage(text);
  const targeting = targetingOf(body);
  const targets = untitled(() => targetsOf(clients, targeting));
  const input = executeInput(body);
  const timeout = defaultTimeout(config);
  const work =
    kind === 'command'
      ? commandWork(input, timeout, 'Invalid interpreter')
      : scriptWork(input, timeout, 'socket');
  checkRestrictions(caller, work);
  checkTargetAccess(clients, targets, caller);
  return {
    work,
    targeting,
    targets,
    concurrent: body.execute_concurrently ?? false,
    abortOnError: body.abort_on_error ?? true,
    asked: { ...body, command: work.command, timeout_sec: work.timeoutSec },
  };
}

function readMessage(text: string): MultiExecuteBody {
  try {
    return readJsonBody(Buffer.from(text), multiExecuteBody) as MultiExecuteBody;
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'missing_body') throw error;
    throw new AppError('missing_body', {
      title: 'Inbound message should contain non empty json object with command data.',
    });
  }
}

/** Here the reference shows the cause only. */
function untitled<Value>(resolve: () => Value): Value {
  try {
    return resolve();
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const { code, title, detail } = error;
    throw new AppError(code, { title: '', detail: detail === '' ? title : detail });
  }
}

/** Unlike those of REST, scripts are judged too, by their text. Spec 04 §20. */
function checkRestrictions({ commandRestrictions }: Principal, work: Work): void {
  try {
    checkCommand(commandRestrictions, work);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    throw new AppError('bad_request', { title: 'Extended Permission failed with ', detail: error.title });
  }
}
