/** The true copy of waits, counters and bans. Spec 01 §2.4 and §4.8, 02 §4, 07 §6.8. */

import { type AttemptChange, Attempts, type ListenerLimits } from '../../auth/attempts.js';
import type { Listener } from '../../auth/guard.js';
import type { Config } from '../../config/types.js';
import type { Logger } from '../../logging/logger.js';
import type { Milliseconds } from '../../time.js';
import type { ActorContext, ActorRef, ActorSystem, Behavior } from '../runtime/types.js';
import { type GuardMessage, guardRef, guardTopic } from './messages.js';

/** The longest a wait or ban may last: `Date` holds it and a sum with the present stays exact. */
const LONGEST: Milliseconds = 100 * 365 * 24 * 60 * 60 * 1000;
/** A message costs microseconds; the bound only keeps a flood from growing memory. */
const MAILBOX_LIMIT = 10_000;

export interface GuardArgs {
  readonly limits: ListenerLimits;
  readonly log: Logger;
}

interface State {
  limits: ListenerLimits;
  readonly attempts: Attempts;
  readonly logs: Readonly<Record<Listener, Logger>>;
  number: number;
}

export const guardBehavior: Behavior<GuardMessage, State, GuardArgs> = {
  kind: guardRef.kind,
  mailboxLimit: MAILBOX_LIMIT,
  preStart: (_ctx, { limits, log }) => ({
    limits,
    attempts: new Attempts(),
    logs: { client: log.named('client-listener'), api: log.named('api-listener') },
    number: 0,
  }),
  receive(ctx, state, message, sender) {
    const now = ctx.clock.now();
    switch (message.type) {
      case 'failed': {
        const { listener, identity, ip } = message;
        const limits = state.limits[listener];
        const change = state.attempts.failure(limits, listener, identity, ip, now);
        const news = publish(ctx, state, change, now);
        if (change.kind === 'failed' && change.banUntil > 0) {
          // fail2ban rules match this line.
          state.logs[listener].info(
            `Maximum of ${limits.maxFailed} login attempts reached. Visitor (${ip}) banned. Ban expiry: ${rfc3339(change.banUntil)}`,
          );
        }
        whenShared(ctx, () => sender.reply(news));
        return;
      }
      case 'succeeded':
        if (state.attempts.hasRecord(message.listener, message.ip, now))
          publish(ctx, state, state.attempts.success(message.listener, message.ip), now);
        whenShared(ctx, () => sender.reply(null));
        return;
      case 'limits':
        state.limits = message.limits;
        return;
      case 'snapshot':
        return sender.reply({ number: state.number, attempts: state.attempts.snapshot(now) });
    }
  },
};

function publish(ctx: ActorContext<GuardMessage>, state: State, change: AttemptChange, now: Milliseconds) {
  state.attempts.apply(change, now);
  state.number += 1;
  const news = { number: state.number, change };
  ctx.system.publish(guardTopic, news);
  return news;
}

/** Calls `reply` when the replicas of all threads hold what was published so far. */
const whenShared = (ctx: ActorContext<GuardMessage>, reply: () => void): void =>
  void ctx.system.published().then(reply);

const rfc3339 = (at: Milliseconds): string => `${new Date(at).toISOString().slice(0, 19)}Z`;

/** Starts the guard; main does it once, before the shards start. */
export function spawnGuard(system: ActorSystem, config: Config, log: Logger): ActorRef {
  return system.spawn(guardBehavior, guardRef.id, { limits: guardLimits(config), log }, { epoch: 1 });
}

/** Thresholds of both listeners. Fractions of a second count; zero or less turns a rule off. */
export function guardLimits(config: Config): ListenerLimits {
  const { server, api } = config;
  return {
    client: {
      wait: duration(server.clientLoginWait),
      maxFailed: Math.max(0, server.maxFailedLogin),
      ban: duration(server.banTime),
    },
    api: {
      wait: duration(api.userLoginWait),
      maxFailed: Math.max(0, api.maxFailedLogin),
      ban: duration(api.banTime),
    },
  };
}

const duration = (seconds: number): Milliseconds =>
  Math.min(LONGEST, Math.max(0, Math.round(seconds * 1000)) || 0);
