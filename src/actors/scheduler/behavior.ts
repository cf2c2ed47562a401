/**
 * Knows when each schedule is due, has it run then, and makes every change of schedules, so that what it knows and what
 * is stored never differ. One actor, on main. Runs that came due while the server was down are not made up for.
 * Spec 04 §15.
 */

import { NameWatch, type TenureOf, WATCH_EVERY } from '../../auth/users/name-watch.js';
import { AppError } from '../../errors.js';
import { goQuote } from '../../go/quote.js';
import { type ScheduleId, scheduleId } from '../../ids.js';
import type { Logger } from '../../logging/logger.js';
import type { Schedule } from '../../schedules/schedule.js';
import type { PlannedSchedule } from '../../schedules/schedules.js';
import { type SetAlarm, Timetable } from '../../schedules/timetable.js';
import { instant, type Milliseconds } from '../../time.js';
import { refuse } from '../ask.js';
import type { ActorContext, ActorRef, ActorSystem, Behavior, Sender } from '../runtime/types.js';
import { addSchedule, removeHistory, removeOrphans, replaceSchedule, type ScheduleStore } from './changes.js';
import { type SchedulerMessage, schedulerRef } from './messages.js';
import { RunQueue } from './run-queue.js';

export interface SchedulerArgs {
  readonly store: ScheduleStore;
  readonly setAlarm: SetAlarm;
  readonly tenureOf: TenureOf;
  readonly newId: () => string;
  readonly log: Pick<Logger, 'info' | 'error'>;
}

/** Changes on their way to the disk. More than this at once is a mistake or an attack. */
const WAITING_LIMIT = 1_000;
/** As often as the shortest `@every`. */
const CHECK_EVERY: Milliseconds = 1_000;

type OwnMessage =
  | { readonly type: 'alarm'; readonly id: ScheduleId; readonly at: Milliseconds }
  | { readonly type: 'check' }
  | { readonly type: 'go-on'; readonly checking: Generator<void, void> }
  | { readonly type: 'look-up' }
  | { readonly type: 'looked-up' }
  | { readonly type: 'stored'; readonly schedule: Schedule | null; readonly sender: Sender }
  | { readonly type: 'failed'; readonly error: Error; readonly sender: Sender };
type Message = SchedulerMessage | OwnMessage;
type Context = ActorContext<Message>;

interface State extends SchedulerArgs {
  readonly timetable: Timetable;
  readonly queue: RunQueue;
  /** In whose names they run. */
  readonly people: Map<ScheduleId, readonly string[]>;
  readonly watch: NameWatch;
  /** Under way in the store, which is closed after the actors. */
  readonly changes: Set<Promise<unknown>>;
}

/** Before the shards start. */
export function spawnScheduler(system: ActorSystem, args: SchedulerArgs): ActorRef {
  return system.spawn(schedulerBehavior, schedulerRef.id, args, { epoch: 1 });
}

const schedulerBehavior: Behavior<Message, State, SchedulerArgs> = {
  kind: schedulerRef.kind,
  /** Every schedule may be due in the same turn. */
  mailboxLimit: 1_000_000,

  preStart(ctx, args) {
    const { store, setAlarm, tenureOf, log } = args;
    const timetable = new Timetable({
      clock: ctx.clock,
      setAlarm,
      onAlarm: (id, at) => ctx.tell(ctx.self, { type: 'alarm', id, at } satisfies OwnMessage),
    });
    const people: State['people'] = new Map();
    const state: State = {
      ...args,
      timetable,
      queue: new RunQueue(ctx.system, log),
      people,
      watch: new NameWatch({
        names: () => [...people.values()].flat(),
        tenureOf,
        complain: (reason) => log.error(`users of schedules cannot be looked up: ${reason}`),
      }),
      changes: new Set(),
    };
    for (const schedule of store.schedules.scan({})) plan(state, schedule);
    follow(state, tidyUp(ctx, state));
    ctx.schedule(CHECK_EVERY, { type: 'check' });
    ctx.schedule(0, { type: 'look-up' });
    return state;
  },

  receive(ctx, state, message, sender) {
    switch (message.type) {
      case 'alarm':
        alarm(state, message.id, message.at);
        break;
      case 'check':
        goOn(ctx, state.timetable.check());
        break;
      case 'go-on':
        goOn(ctx, message.checking);
        break;
      case 'look-up':
        lookUp(ctx, state);
        break;
      case 'looked-up':
        ctx.schedule(WATCH_EVERY, { type: 'look-up' });
        break;
      case 'runner':
        state.queue.addRunner(message.runner);
        break;
      case 'next-runs':
        sender.reply(message.ids.map((id) => state.timetable.next(id)));
        break;
      case 'stored':
        stored(state, message.schedule, message.sender);
        break;
      case 'failed':
        if (!(message.error instanceof AppError)) {
          state.log.error(`schedules could not be changed: ${message.error.message}`);
        }
        refuse(message.sender, message.error);
        break;
      case 'add':
      case 'replace':
      case 'remove':
        if (state.changes.size >= WAITING_LIMIT) refuse(sender, new AppError('overloaded'));
        else change(ctx, state, message, sender);
        break;
    }
  },

  async postStop(_ctx, { timetable, queue, watch, changes }) {
    timetable.stop();
    watch.stop();
    await Promise.allSettled([queue.stop(), ...changes]);
  },
};

function alarm({ timetable, queue, log }: State, id: ScheduleId, at: Milliseconds): void {
  switch (timetable.due(id, at)) {
    case 'run':
      queue.add(id);
      break;
    case 'missed':
      log.info(`schedule ${id} was due at ${instant(at)}, which is too long ago by now: it is not run`);
      break;
    case 'stale':
      break;
  }
}

function goOn(ctx: Context, checking: Generator<void, void>): void {
  if (checking.next().done) ctx.schedule(CHECK_EVERY, { type: 'check' });
  else ctx.schedule(0, { type: 'go-on', checking });
}

function lookUp(ctx: Context, state: State): void {
  const looking = state.watch.check();
  follow(state, looking);
  ctx.pipeToSelf(looking, () => ({ type: 'looked-up' }));
}

type Change = Extract<SchedulerMessage, { readonly type: 'add' | 'replace' | 'remove' }>;

function change(ctx: Context, state: State, message: Change, sender: Sender): void {
  if (message.type === 'remove') {
    const removed = remove(ctx, state, message.id);
    follow(state, removed);
    removed.then(
      (existed) => sender.reply(existed),
      (error: Error) => ctx.tell(ctx.self, { type: 'failed', error, sender } satisfies OwnMessage),
    );
    return;
  }
  const written = write(ctx, state, message);
  follow(state, written);
  ctx.pipeToSelf(written, (outcome) =>
    outcome.ok
      ? { type: 'stored', schedule: outcome.value, sender }
      : { type: 'failed', error: outcome.error, sender },
  );
}

/** Rejects with `AppError` 401 when the user has gone since he logged in. */
async function write(
  { clock }: Context,
  { store, newId, tenureOf }: State,
  message: Exclude<Change, { readonly type: 'remove' }>,
): Promise<Schedule | null> {
  const { input, username } = message;
  const tenure = await tenureOf(username);
  if (tenure === null) throw new AppError('unauthorized');
  const updated = { ...input, updatedBy: username, updaterTenure: tenure };
  if (message.type === 'replace') return replaceSchedule(store, message.id, updated);
  return addSchedule(store, {
    ...updated,
    id: scheduleId(newId()),
    createdAt: instant(clock.now()),
    createdBy: username,
    creatorTenure: tenure,
  });
}

/** The last one written counts, whatever else is on its way here. */
function stored(state: State, written: Schedule | null, sender: Sender): void {
  if (written === null) {
    sender.reply(null);
    return;
  }
  const present = state.store.schedules.get(written.id);
  if (present !== undefined) plan(state, present);
  const reply: PlannedSchedule = { schedule: written, next: state.timetable.next(written.id) };
  sender.reply(reply);
}

async function remove(ctx: Context, state: State, id: ScheduleId): Promise<boolean> {
  const { store, timetable, queue } = state;
  const existed = await store.schedules.remove(id);
  timetable.remove(id);
  state.people.delete(id);
  if (!existed) return false;
  await queue.remove(id);
  await removeHistory(ctx.system, store, id);
  return true;
}

async function tidyUp(ctx: Context, { store, log }: State): Promise<void> {
  try {
    const found = await removeOrphans(ctx.system, store);
    if (found > 0) log.info(`removed what was left of ${found} deleted schedules`);
  } catch (error) {
    log.error(`removing what is left of deleted schedules failed: ${(error as Error).message}`);
  }
}

function plan({ timetable, people, log }: State, planned: Schedule): void {
  const { id, name, schedule, createdBy, updatedBy } = planned;
  people.set(id, [createdBy, updatedBy]);
  const problem = timetable.put(id, schedule);
  if (problem !== null) log.error(`schedule ${id} (${goQuote(name)}) is never run: ${problem}`);
}

function follow({ changes }: State, change: Promise<unknown>): void {
  changes.add(change);
  const done = (): void => void changes.delete(change);
  change.then(done, done);
}
