/**
 * Writes the audit log of a running server. Drafts that come while a transaction is on its way to the disk make up the next
 * one. Now and then it moves old entries into a file and deletes files kept long enough. Spec 03 §12.
 */

import type { AuditContent } from '../../audit/entry.js';
import { expire, finishInterrupted, oldestEntry, rotate, rotationPeriods } from '../../audit/rotation.js';
import type { Config } from '../../config/types.js';
import { AppError } from '../../errors.js';
import type { Logger } from '../../logging/logger.js';
import type { Store } from '../../store/store.js';
import type { Milliseconds } from '../../time.js';
import { refuse } from '../ask.js';
import type { ActorContext, ActorRef, ActorSystem, Behavior, Sender, Timer } from '../runtime/types.js';
import { type AuditMessage, auditRef } from './messages.js';

export interface AuditDeps {
  /** Read again before every use. */
  readonly config: {
    readonly api: Pick<Config['api'], 'enableAuditLog' | 'auditLogRotation' | 'auditLogKeep'>;
    readonly server: Pick<Config['server'], 'dataDir'>;
  };
  readonly store: Pick<Store, 'audit' | 'flushed'>;
  readonly log: Pick<Logger, 'error' | 'info'>;
}

/** Entries that may wait for the disk: some ten thousand a second are written, so that is a second. */
const WAITING_LIMIT = 10_000;
/** Characters of them; an entry has 130 thousand at most. */
const WAITING_SIZE = 64 * 1024 * 1024;
/** Entries of one transaction, some milliseconds of this thread. */
const BATCH = 500;
/** Rotation and retention are due by the day; this also follows a clock that was set. */
const LONGEST_WAIT: Milliseconds = 3_600_000;
/** After a failure, such as a full disk. */
const RETRY: Milliseconds = 60_000;

type Message =
  | AuditMessage
  | { readonly type: 'written'; readonly error: Error | null }
  | { readonly type: 'due' }
  | { readonly type: 'tidied'; readonly error: Error | null };

interface Waiting {
  readonly entries: readonly (AuditContent & { readonly timestamp: Milliseconds })[];
  readonly size: number;
  readonly sender: Sender;
}

interface State {
  readonly deps: AuditDeps;
  waiting: Waiting[];
  waitingEntries: number;
  waitingSize: number;
  writing: Promise<void> | null;
  batch: readonly Waiting[];
  tidying: Promise<void> | null;
  timer: Timer;
  stopped: boolean;
}

/** Starts the actor; main does it once, before the shards start. */
export function spawnAudit(system: ActorSystem, deps: AuditDeps): ActorRef {
  return system.spawn(auditBehavior, auditRef.id, deps, { epoch: 1 });
}

const auditBehavior: Behavior<Message, State, AuditDeps> = {
  kind: auditRef.kind,
  // They leave the mailbox at once.
  mailboxLimit: WAITING_LIMIT,

  preStart: (ctx, deps) => ({
    deps,
    waiting: [],
    waitingEntries: 0,
    waitingSize: 0,
    writing: null,
    batch: [],
    tidying: null,
    timer: ctx.schedule(0, { type: 'due' }),
    stopped: false,
  }),

  receive(ctx, state, message, sender) {
    switch (message.type) {
      case 'record':
        enqueue(ctx, state, message.contents, sender);
        writeNext(ctx, state);
        return;
      case 'written':
        answer(state, message.error);
        writeNext(ctx, state);
        return;
      case 'settings':
      case 'due':
        tidy(ctx, state);
        return;
      case 'tidied':
        state.tidying = null;
        if (message.error !== null) state.deps.log.error(`auditlog: ${message.error.message}`);
        state.timer = ctx.schedule(nextDue(ctx, state, message.error), { type: 'due' });
    }
  },

  /** What was taken in is written; what is being moved goes on at the next start. */
  async postStop(_ctx, state) {
    state.stopped = true;
    if (state.writing !== null) {
      const error = await state.writing.then(
        () => null,
        (reason: Error) => reason,
      );
      answer(state, error);
    }
    while (state.waiting.length > 0) {
      state.batch = takeBatch(state);
      await write(state).then(
        () => answer(state, null),
        (error: Error) => answer(state, error),
      );
    }
    await state.tidying?.catch(() => undefined);
  },
};

function enqueue(
  ctx: ActorContext<Message>,
  state: State,
  contents: readonly AuditContent[],
  sender: Sender,
): void {
  const timestamp = ctx.clock.now();
  const size = contents.reduce((sum, { request, response }) => sum + request.length + response.length, 0);
  const tooMany = state.waitingEntries + contents.length > WAITING_LIMIT;
  // One request may be about more clients than may wait; nothing else is waiting then.
  if (state.waiting.length > 0 && (tooMany || state.waitingSize + size > WAITING_SIZE)) {
    refuse(sender, new AppError('overloaded'));
    return;
  }
  state.waiting.push({ entries: contents.map((content) => ({ ...content, timestamp })), size, sender });
  state.waitingEntries += contents.length;
  state.waitingSize += size;
}

function writeNext(ctx: ActorContext<Message>, state: State): void {
  if (state.writing !== null || state.waiting.length === 0) return;
  state.batch = takeBatch(state);
  state.writing = write(state);
  ctx.pipeToSelf(state.writing, (outcome) => ({
    type: 'written',
    error: outcome.ok ? null : outcome.error,
  }));
}

/** What was asked for together is written together. */
function takeBatch(state: State): readonly Waiting[] {
  let entries = 0;
  let end = 0;
  for (const one of state.waiting) {
    if (end > 0 && entries + one.entries.length > BATCH) break;
    entries += one.entries.length;
    state.waitingSize -= one.size;
    end++;
  }
  state.waitingEntries -= entries;
  return state.waiting.splice(0, end);
}

async function write({ batch, deps: { store } }: State): Promise<void> {
  await store.audit.append(batch.flatMap(({ entries }) => entries));
  await store.flushed();
}

function answer(state: State, error: Error | null): void {
  for (const { sender } of state.batch) {
    if (error === null) sender.reply();
    else refuse(sender, new AppError('internal', { title: error.message }));
  }
  state.batch = [];
  state.writing = null;
}

function tidy(ctx: ActorContext<Message>, state: State): void {
  if (state.tidying !== null) return;
  state.timer.cancel();
  state.tidying = runTidy(ctx.clock.now(), state);
  ctx.pipeToSelf(state.tidying, (outcome) => ({
    type: 'tidied',
    error: outcome.ok ? null : outcome.error,
  }));
}

async function runTidy(now: Milliseconds, state: State): Promise<void> {
  const { config, store, log } = state.deps;
  // What there is of a log that is off stays as it is.
  if (!config.api.enableAuditLog) return;
  const place = { store, dataDir: config.server.dataDir, stopped: () => state.stopped };
  await finishInterrupted(place);
  const oldest = oldestEntry(store);
  if (oldest !== undefined && now - oldest >= rotationPeriods[config.api.auditLogRotation]) {
    const file = await rotate(place, now);
    if (file !== null) {
      log.info(`auditlog: entries ${file.first} to ${file.last.seq} were moved to ${file.name}`);
    }
  }
  const { auditLogKeep: keep } = config.api;
  if (keep === null) return;
  const expired = await expire(place, now - keep);
  if (expired.length > 0) log.info(`auditlog: deleted ${expired.join(', ')}, kept long enough`);
}

function nextDue(ctx: ActorContext<Message>, { deps }: State, error: Error | null): Milliseconds {
  if (error !== null) return RETRY;
  const { enableAuditLog, auditLogRotation } = deps.config.api;
  const oldest = enableAuditLog ? oldestEntry(deps.store) : undefined;
  if (oldest === undefined) return LONGEST_WAIT;
  const left = oldest + rotationPeriods[auditLogRotation] - ctx.clock.now();
  return Math.min(Math.max(left, 1), LONGEST_WAIT);
}
