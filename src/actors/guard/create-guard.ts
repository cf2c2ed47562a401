/** The guard as the code of one shard sees it: reads from a replica, writes through the guard actor. */

import { Attempts, type ListenerLimits } from '../../auth/attempts.js';
import type { Guard } from '../../auth/guard.js';
import type { Config } from '../../config/types.js';
import type { Logger } from '../../logging/logger.js';
import type { Clock, Milliseconds } from '../../time.js';
import type { ActorSystem } from '../runtime/types.js';
import { guardLimits } from './behavior.js';
import { type GuardMessage, type GuardNews, type GuardSnapshot, guardRef, guardTopic } from './messages.js';

/** Main answers in microseconds unless it is stuck. */
const ASK_TIMEOUT: Milliseconds = 5_000;
/** Longest part of a hostile name or address that crosses threads. */
const LONGEST_TEXT = 1024;

export interface GuardOptions {
  readonly system: ActorSystem;
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface GuardReplica extends Guard {
  /** Resolves when the replica holds what the guard actor knew; rejects with `ActorError`. Listen only then. */
  readonly ready: Promise<void>;
  /** Goes by the thresholds of this configuration from now on; main tells the guard actor. */
  configure(config: Config): void;
  /** Stops following the guard actor. */
  stop(): void;
}

/**
 * Makes the guard of one shard. It sees the failures of other threads through publications, which a thread
 * does not get from itself; so on main, where the actor lives, it would know only its own.
 */
export function createGuard({ system, config, clock, log }: GuardOptions): GuardReplica {
  let limits: ListenerLimits = guardLimits(config);
  const attempts = new Attempts();
  /** Number of the last change the replica holds; `undefined` until the snapshot came. */
  let known: number | undefined;
  let early: GuardNews[] = [];

  /** Publications come in their order, replies after the publication: a change must not be made twice. */
  const learn = (news: GuardNews): void => {
    if (known === undefined) early.push(news);
    else if (news.number <= known) return;
    else known = news.number;
    attempts.apply(news.change, clock.now());
  };
  const unsubscribe = system.subscribe(guardTopic, (data) => learn(data as GuardNews));
  const ask = <Reply>(message: GuardMessage): Promise<Reply> =>
    system.ask<Reply>(guardRef, message, { timeoutMs: ASK_TIMEOUT });

  const ready = ask<GuardSnapshot>({ type: 'snapshot' }).then((snapshot) => {
    attempts.restore(snapshot.attempts, clock.now());
    known = snapshot.number;
    for (const news of early) learn(news);
    early = [];
  });
  ready.catch((error) => {
    known = 0;
    early = [];
    log.error(`login guard: no snapshot: ${(error as Error).message}`);
  });

  return {
    ready,
    configure(next) {
      limits = guardLimits(next);
    },
    stop: unsubscribe,
    isBanned: (listener, ip) => attempts.isBanned(listener, ip, clock.now()),
    mustWait: (listener, identity, ip) =>
      identity !== '' && attempts.mustWait(listener, identity.slice(0, LONGEST_TEXT), ip, clock.now()),
    waitLeft: (listener, identity, ip) =>
      identity === '' ? 0 : attempts.waitLeft(listener, identity.slice(0, LONGEST_TEXT), ip, clock.now()),
    async failed(listener, name, ip) {
      const identity = name === null ? null : name.slice(0, LONGEST_TEXT);
      // The wait begins here and now: guesses made side by side in this shard must not be judged before it does.
      const waitOnly = { ...limits[listener], maxFailed: 0 };
      const begun = clock.now();
      attempts.apply(attempts.failure(waitOnly, listener, identity, ip, begun), begun);
      try {
        learn(await ask<GuardNews>({ type: 'failed', listener, identity, ip: ip.slice(0, LONGEST_TEXT) }));
      } catch (error) {
        // Better counted in this shard only than not at all.
        const now = clock.now();
        attempts.apply(attempts.failure(limits[listener], listener, identity, ip, now), now);
        log.error(`login guard: a failed login was not shared: ${(error as Error).message}`);
      }
    },
    succeeded(listener, _identity, ip) {
      // Nearly every call: nothing is known about the address, and nothing needs to cross threads.
      if (!attempts.hasRecord(listener, ip, clock.now())) return undefined;
      attempts.apply(attempts.success(listener, ip), clock.now());
      return ask<null>({ type: 'succeeded', listener, ip: ip.slice(0, LONGEST_TEXT) }).then(
        () => undefined,
        (error: Error) => log.error(`login guard: a login was not shared: ${error.message}`),
      );
    },
  };
}
