/** One run of a schedule: whether it may begin, and where. Spec 04 §15.5. */

import type { Principal } from '../../auth/principal.js';
import type { ClientIndex } from '../../clients/read-model.js';
import { AppError } from '../../errors.js';
import { goQuote } from '../../go/quote.js';
import { checkRights } from '../../schedules/check-rights.js';
import { workOf } from '../../schedules/check-schedule.js';
import { type RunTargets, runTargets } from '../../schedules/run-targets.js';
import type { Schedule } from '../../schedules/schedule.js';
import type { Store } from '../../store/store.js';
import type { Seconds } from '../../time.js';
import { multiJobRef } from '../multi-job/messages.js';
import type { MultiJobs } from '../multi-job/multi-jobs.js';
import type { ActorSystem } from '../runtime/types.js';
import type { RunMessage, RunOutcome } from './messages.js';

/** What a user may do at this moment, and which of the users of his name he is. */
export interface RunUser {
  readonly principal: Principal;
  readonly tenure: number;
}

export interface RunDeps {
  readonly store: Pick<Store, 'schedules' | 'jobs'>;
  readonly clients: Pick<ClientIndex, 'get' | 'members' | 'all' | 'canAccess'>;
  readonly multiJobs: MultiJobs;
  /** Of jobs that name none; read again for every run. */
  readonly defaultTimeout: () => Seconds;
  /** `null`: there is no such user. Rejects when users cannot be read. */
  readonly userOf: (username: string) => Promise<RunUser | null>;
}

/** Rejects when users or the store cannot be read, or the start not be stored. */
export async function runSchedule(
  system: ActorSystem,
  deps: RunDeps,
  { id, previous }: Pick<RunMessage, 'id' | 'previous'>,
): Promise<RunOutcome> {
  const { store, clients, multiJobs } = deps;
  // As it is now, not when it came to be due.
  const schedule = store.schedules.get(id);
  if (schedule === undefined) return { kind: 'gone' };
  if (!schedule.overlaps && isUnderWay(system, deps, schedule, previous)) {
    return refused('the run before is still under way');
  }
  const users: Principal[] = [];
  for (const { username, tenure, did } of peopleOf(schedule)) {
    const found = await deps.userOf(username);
    if (found === null) return refused(`there is no user ${goQuote(username)}`);
    if (found.tenure !== tenure) {
      return refused(`user ${goQuote(username)} is not the one of that name who has ${did} it`);
    }
    const reason = refusal(found.principal, schedule);
    if (reason !== null) return refused(reason);
    users.push(found.principal);
  }
  const found = runTargets(clients, schedule, users);
  const note = noteOf(found, users);
  if (found.targets.length === 0) return refused(['no clients for execution', note].join('; '));
  const { id: multiJobId } = await multiJobs.start({
    work: workOf(schedule, deps.defaultTimeout()),
    targeting: schedule,
    targets: found.targets,
    creator: schedule.createdBy,
    scheduleId: schedule.id,
    concurrent: schedule.concurrent,
    abortOnError: schedule.abortOnError ?? true,
    stream: false,
  });
  return { kind: 'started', multiJobId, note };
}

const refused = (reason: string): RunOutcome => ({ kind: 'refused', reason });

/** Whose rights count; one who is both comes once. */
function peopleOf({ createdBy, creatorTenure, updatedBy, updaterTenure }: Schedule) {
  const creator = { username: createdBy, tenure: creatorTenure, did: 'made' };
  if (updatedBy === createdBy && updaterTenure === creatorTenure) return [creator];
  return [creator, { username: updatedBy, tenure: updaterTenure, did: 'changed' }];
}

/** A job of it runs and has not come to its time-out, or more of them are to be started. */
function isUnderWay(
  system: ActorSystem,
  { store }: RunDeps,
  { id }: Schedule,
  previous: RunMessage['previous'],
): boolean {
  if (previous !== null && system.locate(multiJobRef(previous)) !== undefined) return true;
  return store.jobs.runsForSchedule(id, system.clock.now());
}

/** Why the user may not have it run; `null` when he may. */
function refusal(user: Principal, schedule: Schedule): string | null {
  const { username } = user;
  if (!user.permissions.has('scheduler')) return `user ${goQuote(username)} may not use schedules any more`;
  try {
    checkRights(user, schedule);
    return null;
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return `user ${goQuote(username)}: ${error.title}`;
  }
}

function noteOf({ unknown, denied }: RunTargets, users: readonly Principal[]): string {
  const names = users.map(({ username }) => goQuote(username)).join(' or ');
  const parts: string[] = [];
  if (unknown.length > 0) parts.push(`clients or client groups that do not exist: ${named(unknown)}`);
  if (denied.length > 0) parts.push(`clients that ${names} may not access: ${named(denied)}`);
  return parts.join('; ');
}

const MOST_NAMED = 10;
/** Ids are what users and agents made of them. */
function named(ids: readonly string[]): string {
  const some = ids.slice(0, MOST_NAMED).map(goQuote).join(', ');
  return ids.length > MOST_NAMED ? `${some} and ${ids.length - MOST_NAMED} more` : some;
}
