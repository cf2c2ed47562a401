/** The actor system of one thread: who is here, who is elsewhere, and the way between them. */

import { type Bus, type BusReceiver, type Frame, soloBus } from './bus.js';
import { type AnyCell, Cell, type CellHost, describe, name } from './cell.js';
import { ReplicatedDirectory } from './directory.js';
import { Dispatcher, type Runnable } from './dispatcher.js';
import { Fences } from './fences.js';
import { boundedTimeout, MOST_PENDING_ASKS, PendingAsks, rejected } from './pending-asks.js';
import { RefMap } from './ref-map.js';
import { failure, NOBODY, type Outcome, Reply } from './reply.js';
import {
  ActorError,
  type ActorRef,
  type ActorSystem,
  type AskOptions,
  type Behavior,
  type Clock,
  type Lane,
  type Log,
  type SpawnOptions,
} from './types.js';

/** An actor that cannot close its things in this time would hold up a drain of thousands. */
const POST_STOP_TIMEOUT_MS = 5_000;

export interface ActorSystemOptions {
  /** 0 is main, shards count from 1; never used twice in a process. */
  readonly thread: number;
  readonly clock: Clock;
  readonly log: Log;
  /** Way to the other threads. Default: there are none. */
  readonly bus?: Bus;
  /** Default 5 s. */
  readonly postStopTimeoutMs?: number;
}

/** Makes the actor system of this thread. Ports of the bus are connected after it. */
export function createActorSystem(options: ActorSystemOptions): ActorSystem {
  return new ThreadSystem(options);
}

class ThreadSystem implements ActorSystem, CellHost, BusReceiver {
  readonly thread: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly postStopTimeoutMs: number;
  readonly #bus: Bus;
  readonly #cells = new RefMap<AnyCell>();
  readonly #roots = new Set<AnyCell>();
  readonly #dispatcher = new Dispatcher();
  readonly #asks: PendingAsks;
  readonly #fences: Fences;
  readonly #directory: ReplicatedDirectory;
  readonly #topics = new Map<string, Set<(data: unknown, fromThread: number) => void>>();
  readonly #lossHandlers = new Set<(thread: number) => void>();
  #undelivered = 0;
  #overflowed = 0;
  #down = false;

  constructor({
    thread,
    clock,
    log,
    bus = soloBus,
    postStopTimeoutMs = POST_STOP_TIMEOUT_MS,
  }: ActorSystemOptions) {
    this.thread = thread;
    this.clock = clock;
    this.log = log;
    this.postStopTimeoutMs = postStopTimeoutMs;
    this.#bus = bus;
    this.#asks = new PendingAsks(clock);
    this.#fences = new Fences(bus, clock);
    this.#directory = new ReplicatedDirectory(thread, {
      registered: (ref, epoch) => bus.broadcast(['register', ref.kind, ref.id, epoch]),
      unregistered: (ref, epoch) => bus.broadcast(['unregister', ref.kind, ref.id, epoch]),
    });
    bus.attach(this);
  }

  get system(): ActorSystem {
    return this;
  }

  // --- starting and stopping ---------------------------------------------------------------------------------

  spawn<Message, State, Args>(
    behavior: Behavior<Message, State, Args>,
    id: string,
    args: Args,
    options: SpawnOptions = {},
  ): ActorRef {
    if (this.#down) throw new ActorError('stopped', `thread ${this.thread} has been shut down`);
    const ref: ActorRef = { kind: behavior.kind, id };
    const epoch = options.epoch ?? null;
    this.#clearAddress(ref, epoch);
    const cell = new Cell(this, behavior, ref, null, epoch);
    this.#cells.set(ref, cell);
    this.#roots.add(cell);
    const alive = cell.start(args);
    if (alive && epoch !== null && !this.#directory.register(ref, epoch)) {
      void cell.stop();
      throw stale(ref, epoch);
    }
    return ref;
  }

  spawnChild<Message, State, Args>(
    parent: AnyCell,
    behavior: Behavior<Message, State, Args>,
    id: string,
    args: Args,
  ): ActorRef {
    const ref: ActorRef = { kind: behavior.kind, id };
    this.#clearAddress(ref, null);
    const cell = new Cell(this, behavior, ref, parent, null);
    this.#cells.set(ref, cell);
    parent.adopt(cell);
    cell.start(args);
    return ref;
  }

  /** Stops an older actor of the address; throws when the address may not be taken. */
  #clearAddress(ref: ActorRef, epoch: number | null): void {
    const present = this.#cells.get(ref);
    const entry = this.#directory.locate(ref);
    if (epoch === null || (present !== undefined && present.epoch === null)) {
      if (present !== undefined || entry !== undefined) throw new Error(`${name(ref)} runs already`);
      return;
    }
    if (entry !== undefined && entry.epoch >= epoch) throw stale(ref, epoch);
    void present?.stop();
  }

  async stop(ref: ActorRef): Promise<void> {
    await this.#cells.get(ref)?.stop();
  }

  async shutdown(): Promise<void> {
    this.#down = true;
    await Promise.all([...this.#roots].map((cell) => cell.stop()));
  }

  ready(cell: Runnable): void {
    this.#dispatcher.enqueue(cell);
  }

  gone(cell: AnyCell): void {
    if (this.#cells.get(cell.self) === cell) this.#cells.delete(cell.self);
    if (cell.epoch !== null) this.#directory.unregister(cell.self, cell.epoch);
  }

  ended(cell: AnyCell): void {
    this.#roots.delete(cell);
  }

  // --- messages ----------------------------------------------------------------------------------------------

  tell(to: ActorRef, message: unknown, lane: Lane = 'user'): void {
    const cell = this.#cells.get(to);
    if (cell !== undefined) {
      this.#deliverTell(cell, lane, message);
      return;
    }
    const entry = this.#directory.locate(to);
    if (entry === undefined || !this.#bus.send(entry.thread, ['tell', to.kind, to.id, lane, message])) {
      this.#nobodyFor(to);
    }
  }

  ask<Value>(to: ActorRef, message: unknown, options: AskOptions): Promise<Value> {
    const cell = this.#cells.get(to);
    const entry = cell === undefined ? this.#directory.locate(to) : undefined;
    if (cell === undefined && entry === undefined) return rejected('no_such_actor', `no actor ${name(to)}`);
    if (this.#asks.size >= MOST_PENDING_ASKS) return rejected('overloaded', 'too many asks are waiting');

    const timeoutMs = boundedTimeout(options.timeoutMs);
    const epoch = options.epoch ?? null;
    const { id, outcome } = this.#asks.open(to, entry?.thread ?? this.thread, timeoutMs);
    if (cell !== undefined) {
      this.#deliverAsk(cell, message, epoch, timeoutMs, (result) => this.#asks.settle(id, result));
    } else if (entry !== undefined) {
      const sent = this.#bus.send(entry.thread, ['ask', id, to.kind, to.id, epoch, timeoutMs, message]);
      if (!sent) this.#asks.settle(id, failure('stopped', `thread ${entry.thread} is not connected`));
    }
    return outcome as Promise<Value>;
  }

  #deliverTell(cell: AnyCell, lane: Lane, message: unknown): void {
    if (cell.offer(lane, message, NOBODY)) return;
    this.#overflowed++;
    this.log.debug(`mailbox of ${name(cell.self)} is full, a message was dropped`);
  }

  #deliverAsk(
    cell: AnyCell,
    message: unknown,
    epoch: number | null,
    timeoutMs: number,
    settle: (outcome: Outcome) => void,
  ): void {
    if (epoch !== null && cell.epoch !== epoch) {
      settle(failure('stale_epoch', `${name(cell.self)} is not of epoch ${epoch}`));
    } else if (!cell.offer('user', message, new Reply(settle, this.clock.now() + timeoutMs))) {
      this.#overflowed++;
      settle(failure('overloaded', `mailbox of ${name(cell.self)} is full`));
    }
  }

  #nobodyFor(to: ActorRef): void {
    this.#undelivered++;
    this.log.debug(`no actor ${name(to)}, a message was dropped`);
  }

  // --- other threads -----------------------------------------------------------------------------------------

  locate(ref: ActorRef): { readonly thread: number; readonly epoch: number } | undefined {
    const cell = this.#cells.get(ref);
    return cell === undefined ? this.#directory.locate(ref) : { thread: this.thread, epoch: cell.epoch ?? 0 };
  }

  publish(topic: string, data: unknown): void {
    this.#bus.broadcast(['publish', topic, data]);
  }

  published(): Promise<void> {
    return this.#fences.raise();
  }

  subscribe(topic: string, handler: (data: unknown, fromThread: number) => void): () => void {
    // A wrapper of its own, so that one function subscribed twice counts twice.
    const entry = (data: unknown, fromThread: number): void => handler(data, fromThread);
    const handlers = this.#topics.get(topic) ?? new Set();
    this.#topics.set(topic, handlers.add(entry));
    return () => {
      handlers.delete(entry);
      if (handlers.size === 0 && this.#topics.get(topic) === handlers) this.#topics.delete(topic);
    };
  }

  onThreadLost(handler: (thread: number) => void): () => void {
    const entry = (thread: number): void => handler(thread);
    this.#lossHandlers.add(entry);
    return () => {
      this.#lossHandlers.delete(entry);
    };
  }

  greeting(): readonly Frame[] {
    return this.#directory.own().map(({ ref, epoch }) => ['register', ref.kind, ref.id, epoch]);
  }

  received(fromThread: number, frame: Frame): void {
    switch (frame[0]) {
      case 'ask': {
        const [, id, kind, actor, epoch, timeoutMs, message] = frame;
        const cell = this.#cells.get({ kind, id: actor });
        const settle = (outcome: Outcome): void => this.#answer(fromThread, id, outcome);
        if (cell === undefined) settle(failure('no_such_actor', `no actor ${kind}/${actor}`));
        else this.#deliverAsk(cell, message, epoch, timeoutMs, settle);
        return;
      }
      case 'reply':
        this.#asks.settle(frame[1], { ok: true, value: frame[2] });
        return;
      case 'fail':
        this.#asks.settle(frame[1], failure(frame[2], frame[3], frame[4]));
        return;
      case 'tell': {
        const [, kind, id, lane, message] = frame;
        const cell = this.#cells.get({ kind, id });
        if (cell === undefined) this.#nobodyFor({ kind, id });
        else this.#deliverTell(cell, lane, message);
        return;
      }
      case 'publish':
        for (const handler of this.#topics.get(frame[1]) ?? []) {
          this.#guarded(`subscriber of ${frame[1]}`, () => handler(frame[2], fromThread));
        }
        return;
      case 'fence':
        this.#bus.send(fromThread, ['fenced', frame[1]]);
        return;
      case 'fenced':
        this.#fences.passed(frame[1], fromThread);
        return;
      case 'register': {
        const [, kind, id, epoch] = frame;
        const replaced = this.#directory.heardRegistered({ kind, id }, fromThread, epoch);
        if (replaced !== undefined) void this.#cells.get(replaced.ref)?.stop();
        return;
      }
      case 'unregister':
        this.#directory.heardUnregistered({ kind: frame[1], id: frame[2] }, fromThread, frame[3]);
        return;
    }
  }

  #answer(toThread: number, id: number, outcome: Outcome): void {
    this.#bus.send(
      toThread,
      outcome.ok ? ['reply', id, outcome.value] : ['fail', id, outcome.code, outcome.text, outcome.data],
    );
  }

  unsendable(toThread: number, frame: Frame, error: Error): void {
    const text = `cannot be sent to another thread: ${error.message}`;
    switch (frame[0]) {
      case 'ask':
        this.#asks.settle(frame[1], failure('crashed', `message ${text}`));
        return;
      case 'reply':
      case 'fail':
        this.#answer(toThread, frame[1], failure('crashed', `reply ${text}`));
        return;
      default:
        this.#undelivered++;
        this.log.error(`${frame[0]} ${frame[1]} ${text}`);
    }
  }

  lost(thread: number): void {
    this.#directory.forget(thread);
    this.#asks.loseThread(thread);
    this.#fences.lost(thread);
    for (const handler of this.#lossHandlers) {
      this.#guarded('handler of a lost thread', () => handler(thread));
    }
  }

  #guarded(what: string, action: () => void): void {
    try {
      action();
    } catch (error) {
      this.log.error(`${what} failed: ${describe(error)}`);
    }
  }

  stats(): ReturnType<ActorSystem['stats']> {
    return { actors: this.#cells.counts(), undelivered: this.#undelivered, overflowed: this.#overflowed };
  }
}

const stale = (ref: ActorRef, epoch: number): ActorError =>
  new ActorError('stale_epoch', `${name(ref)} has an epoch of ${epoch} or higher already`);
