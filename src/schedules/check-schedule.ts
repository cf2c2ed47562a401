/** Whether a schedule can be run at all, and what its clients are told to do. Spec 04 §15.4. */

import { AppError } from '../errors.js';
import { decodeBase64 } from '../jobs/base64.js';
import { commandWork, scriptWork, type Work } from '../jobs/input.js';
import { interpreterProblem } from '../jobs/interpreter.js';
import type { Seconds } from '../time.js';
import { parseCron } from './cron/parse.js';
import type { ScheduleInput, ScheduleType } from './schedule.js';

/** Throws `AppError` 400. */
export function checkType(type: string): ScheduleType {
  if (type === 'command' || type === 'script') return type;
  throw refusal('Invalid type.', "type must be 'command' or 'script'");
}

/** In the order of the reference. Throws `AppError` 400; the type has been checked. */
export function checkSchedule(input: ScheduleInput, defaultTimeout: Seconds): void {
  const cron = parseCron(input.schedule);
  if (!cron.ok) throw refusal('Invalid schedule.', cron.error);
  if (input.type === 'command') {
    const problem = interpreterProblem(input.interpreter);
    if (problem !== null) throw refusal('Invalid interpreter.', problem);
    if (input.command === '') throw refusal('Empty command.', 'command cannot be empty');
  } else {
    if (input.script === '') throw refusal('Empty script.', 'script cannot be empty');
    const decoded = decodeBase64(input.script);
    if (!decoded.ok) throw refusal('Invalid script.', decoded.error);
  }
  // What is left: more text than clients take.
  workOf(input, defaultTimeout);
}

/** Throws `AppError` 400 for what `checkSchedule` would have refused. */
export const workOf = (input: ScheduleInput, defaultTimeout: Seconds): Work =>
  input.type === 'command' ? commandWork(input, defaultTimeout) : scriptWork(input, defaultTimeout, 'multi');

const refusal = (title: string, detail: string): AppError => new AppError('bad_request', { title, detail });
