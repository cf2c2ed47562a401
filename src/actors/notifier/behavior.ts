/** The notifier, see `messages.ts`. What is due is in the store; what is here is who is being asked, and when again. */

import type { WebhookConfig } from '../../config/values/webhooks.js';
import { AppError } from '../../errors.js';
import { DeliveryQueue } from '../../events/webhooks/delivery-queue.js';
import { maskedUrl, type Outcome, postEvent } from '../../events/webhooks/post-event.js';
import type { Logger } from '../../logging/logger.js';
import type { Store } from '../../store/store.js';
import type { QueuedDelivery } from '../../store/webhook-queue.js';
import { instant, type Milliseconds } from '../../time.js';
import { refuse } from '../ask.js';
import type { ActorContext, ActorRef, ActorSystem, Behavior, Sender, Timer } from '../runtime/types.js';
import { buryAll, trim } from './give-up.js';
import { NOTIFIER, type NotifierMessage, type WebhookStatus } from './messages.js';

/** Looks for rows that somebody stored and had no time to tell of. */
const LOOK_AGAIN: Milliseconds = 60_000;
/** Dead letters given another try in one transaction. */
const REDELIVERED_AT_ONCE = 500;

export interface NotifierDeps {
  /** Read again at `configure`. */
  readonly webhooks: { readonly list: readonly WebhookConfig[] };
  readonly store: Pick<Store, 'webhookQueue' | 'webhookDeadLetters' | 'flushed'>;
  readonly log: Pick<Logger, 'error' | 'info'>;
  /** From 0 to 1. */
  readonly random: () => number;
}

export type OwnMessage =
  | NotifierMessage
  | {
      readonly type: 'sent';
      readonly webhook: string;
      readonly row: QueuedDelivery;
      readonly outcome: Outcome;
    }
  | {
      readonly type: 'settled';
      readonly webhook: string;
      readonly row: QueuedDelivery;
      readonly error: Error | null;
    }
  | { readonly type: 'buried'; readonly webhook: string; readonly error: Error | null }
  | { readonly type: 'due' }
  | { readonly type: 'look-again' };

/** One webhook and how it is doing. */
export interface Hook {
  config: WebhookConfig;
  readonly queue: DeliveryQueue;
  pending: number;
  deadLetters: number;
  dropped: number;
  lastSuccessAt: Milliseconds | null;
  lastFailureAt: Milliseconds | null;
  lastFailure: string;
  /** Rows are being given up: no others meanwhile. */
  burying: boolean;
}

export interface State {
  readonly deps: NotifierDeps;
  readonly hooks: Map<string, Hook>;
  /** Changes of the store, and requests, under way. */
  readonly running: Set<Promise<unknown>>;
  readonly ending: AbortController;
  timer: Timer | null;
}

export type Context = ActorContext<OwnMessage>;

/** On main, before the event log. */
export function spawnNotifier(system: ActorSystem, deps: NotifierDeps): ActorRef {
  return system.spawn(notifierBehavior, NOTIFIER.id, deps, { epoch: 1 });
}

const notifierBehavior: Behavior<OwnMessage, State, NotifierDeps> = {
  kind: NOTIFIER.kind,
  // A dropped piece of news costs a minute (`LOOK_AGAIN`), nothing else.
  mailboxLimit: 100_000,

  preStart(ctx, deps) {
    const state: State = {
      deps,
      hooks: new Map(),
      running: new Set(),
      ending: new AbortController(),
      timer: null,
    };
    configure(ctx, state);
    ctx.schedule(LOOK_AGAIN, { type: 'look-again' });
    ctx.schedule(0, { type: 'due' });
    return state;
  },

  receive(ctx, state, message, sender) {
    switch (message.type) {
      case 'queued':
        for (const { webhook } of message.queued) {
          const hook = state.hooks.get(webhook);
          if (hook !== undefined) hook.pending += 1;
        }
        break;
      case 'configure':
        configure(ctx, state);
        break;
      case 'status':
        sender.reply([...state.hooks.values()].map(statusOf));
        return;
      case 'redeliver':
        redeliver(ctx, state, message.number, sender);
        return;
      case 'sent':
        sent(ctx, state, message);
        break;
      case 'settled':
        settled(ctx, state, message);
        break;
      case 'buried': {
        const hook = state.hooks.get(message.webhook);
        if (hook !== undefined) hook.burying = false;
        if (message.error !== null) state.deps.log.error(`webhooks: ${message.error.message}`);
        break;
      }
      case 'look-again':
        ctx.schedule(LOOK_AGAIN, { type: 'look-again' });
        for (const [id, hook] of state.hooks) hook.pending = state.deps.store.webhookQueue.count(id);
        break;
      case 'due':
        break;
    }
    work(ctx, state);
  },

  // The store is closed after the actors: nobody may be using it then. What is under way is sent again next time.
  async postStop(_ctx, state) {
    state.ending.abort();
    await Promise.allSettled(state.running);
  },
};

/** Goes by the present list. What waits for a webhook that is not in it any more is given up. */
function configure(ctx: Context, state: State): void {
  const { deps, hooks } = state;
  const { list } = deps.webhooks;
  const before = new Map(hooks);
  hooks.clear();
  for (const config of list) {
    const known = before.get(config.id);
    hooks.set(config.id, known ?? newHook(state, config));
    if (known !== undefined) known.config = config;
  }
  for (const webhook of deps.store.webhookQueue.webhooks()) {
    if (!hooks.has(webhook))
      running(state, buryAll(ctx, state, webhook, 'the webhook is not configured any more'));
  }
  for (const hook of hooks.values()) trim(ctx, state, hook);
}

const newHook = ({ deps }: State, config: WebhookConfig): Hook => ({
  config,
  queue: new DeliveryQueue(),
  pending: deps.store.webhookQueue.count(config.id),
  deadLetters: deps.store.webhookDeadLetters.count(config.id),
  dropped: 0,
  lastSuccessAt: null,
  lastFailureAt: null,
  lastFailure: '',
  burying: false,
});

/** Sends what is due, and comes back when more will be. */
function work(ctx: Context, state: State): void {
  const now = ctx.clock.now();
  let next: Milliseconds | null = null;
  for (const hook of state.hooks.values()) {
    trim(ctx, state, hook);
    load(state, hook);
    for (let row = hook.queue.take(now); row !== null; row = hook.queue.take(now))
      send(ctx, state, hook, row);
    const at = hook.queue.next(now);
    if (at !== null && (next === null || at < next)) next = at;
  }
  state.timer?.cancel();
  state.timer = next === null ? null : ctx.schedule(next - now, { type: 'due' });
}

/** From the beginning, past what is loaded: rows of several threads do not come in the order of their ids. */
function load({ deps }: State, { config, queue, pending, burying }: Hook): void {
  let { room } = queue;
  if (room === 0 || burying || pending <= queue.size) return;
  for (const { event, read } of deps.store.webhookQueue.oldest(config.id)) {
    if (queue.has(event)) continue;
    const row = read();
    if (row === undefined) {
      deps.log.error(`webhook ${nameOf(config)}: the queued event ${event} is unreadable, removed`);
      void deps.store.webhookQueue.remove(config.id, [event]).catch(() => undefined);
      continue;
    }
    queue.load(row);
    room -= 1;
    if (room === 0) return;
  }
}

function send(ctx: Context, state: State, { config }: Hook, row: QueuedDelivery): void {
  const request = running(state, postEvent(config, row, ctx.clock.now(), state.ending.signal));
  ctx.pipeToSelf(request, (outcome) => ({
    type: 'sent',
    webhook: config.id,
    row,
    outcome: outcome.ok ? outcome.value : { kind: 'failed', reason: outcome.error.message, after: 0 },
  }));
}

function sent(
  ctx: Context,
  state: State,
  { webhook, row, outcome }: Extract<OwnMessage, { type: 'sent' }>,
): void {
  const hook = state.hooks.get(webhook);
  // Not configured any more: its rows are being given up.
  if (hook === undefined) return;
  const now = ctx.clock.now();
  if (outcome.kind === 'delivered') {
    hook.lastSuccessAt = now;
    settle(ctx, state, hook, row, state.deps.store.webhookQueue.remove(webhook, [row.event]));
    return;
  }
  hook.lastFailureAt = now;
  hook.lastFailure = outcome.reason;
  const { maxAge, retryDelay } = hook.config;
  if (outcome.kind === 'failed' && now - row.queuedAt < maxAge) {
    const { queue } = hook;
    if (!queue.failing) state.deps.log.error(`webhook ${nameOf(hook.config)} fails: ${outcome.reason}`);
    queue.failed(row, now, retryDelay, outcome.after, state.deps.random());
    return;
  }
  const reason = outcome.kind === 'refused' ? outcome.reason : `too old: ${outcome.reason}`;
  const attempts = hook.queue.attempts(row) + 1;
  const letter = { ...row, reason, attempts, givenUpAt: now };
  state.deps.log.error(
    `webhook ${nameOf(hook.config)}: event ${row.event} given up after ${attempts} attempts: ${reason}`,
  );
  hook.deadLetters += 1;
  settle(ctx, state, hook, row, state.deps.store.webhookDeadLetters.bury([letter]));
}

/** The client's next event goes when the row is gone: else a crash could bring them back in another order. */
function settle(ctx: Context, state: State, hook: Hook, row: QueuedDelivery, write: Promise<void>): void {
  ctx.pipeToSelf(running(state, write), (outcome) => ({
    type: 'settled',
    webhook: hook.config.id,
    row,
    error: outcome.ok ? null : outcome.error,
  }));
}

function settled(
  ctx: Context,
  state: State,
  { webhook, row, error }: Extract<OwnMessage, { type: 'settled' }>,
): void {
  const hook = state.hooks.get(webhook);
  if (hook === undefined) return;
  if (error !== null) {
    // Sent again, when the disk can be written.
    state.deps.log.error(`webhook ${nameOf(hook.config)}: ${error.message}`);
    hook.queue.failed(row, ctx.clock.now(), hook.config.retryDelay, 0, state.deps.random());
    return;
  }
  hook.pending -= 1;
  if (hook.queue.failing && hook.lastSuccessAt !== null && hook.lastSuccessAt >= (hook.lastFailureAt ?? 0)) {
    state.deps.log.info(`webhook ${nameOf(hook.config)} works again`);
  }
  hook.queue.delivered(row);
}

function redeliver(ctx: Context, state: State, number: number, sender: Sender): void {
  const hook = [...state.hooks.values()][number - 1];
  if (hook === undefined) {
    refuse(sender, new AppError('not_found', { title: `Webhook with id=${number} not found.` }));
    return;
  }
  const { store } = state.deps;
  const move = async (): Promise<number> => {
    const now = ctx.clock.now();
    let moved = 0;
    for (;;) {
      const batch = await store.webhookDeadLetters.redeliver(hook.config.id, now, REDELIVERED_AT_ONCE);
      moved += batch;
      hook.pending += batch;
      hook.deadLetters -= batch;
      if (batch < REDELIVERED_AT_ONCE) break;
    }
    await store.flushed();
    return moved;
  };
  running(state, move()).then(
    (moved) => {
      ctx.system.tell(ctx.self, { type: 'due' }, 'system');
      sender.reply(moved);
    },
    (error: unknown) => refuse(sender, error),
  );
}

const statusOf = (hook: Hook, index: number): WebhookStatus => ({
  id: index + 1,
  name: hook.config.name,
  url: maskedUrl(hook.config.url),
  events: hook.config.events,
  state: hook.queue.failing ? 'failing' : hook.queue.underWay > 0 ? 'delivering' : 'idle',
  pending: Math.max(0, hook.pending),
  dead_letters: hook.deadLetters,
  dropped: hook.dropped,
  last_success_at: hook.lastSuccessAt === null ? null : instant(hook.lastSuccessAt),
  last_failure_at: hook.lastFailureAt === null ? null : instant(hook.lastFailureAt),
  last_failure: hook.lastFailure,
});

export const nameOf = ({ name, url }: WebhookConfig): string => (name === '' ? maskedUrl(url) : name);

/** Remembers what is under way, for the end of the actor to wait for. */
export function running<Value>(state: State, operation: Promise<Value>): Promise<Value> {
  state.running.add(operation);
  const done = (): void => {
    state.running.delete(operation);
  };
  operation.then(done, done);
  return operation;
}
