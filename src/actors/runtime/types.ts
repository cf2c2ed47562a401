/**
 * Contracts of the actor runtime. The guarantees behind them are on one page: README.md in this folder.
 * Nothing here knows a domain word, and nothing here imports code of ours.
 */

/** Address of an actor: which kind it is and which one of that kind. Says nothing about where it runs. */
export interface ActorRef {
  readonly kind: string;
  readonly id: string;
}

/**
 * Lanes of a mailbox, most urgent first. Within a lane, messages of one sender stay in order. A message on `stop`
 * is the actor's last one.
 */
export type Lane = 'stop' | 'system' | 'user';

export type ActorErrorCode =
  /** No actor of that address is known. */
  | 'no_such_actor'
  /** The mailbox is full; nothing was enqueued. */
  | 'overloaded'
  /** No reply came in time; the message may or may not have been handled. */
  | 'timeout'
  /** The actor stopped, or its thread died, before it replied. */
  | 'stopped'
  /** The handler threw, or the message or its reply cannot be cloned between threads. */
  | 'crashed'
  /** The message named an older epoch than the actor's current one. */
  | 'stale_epoch'
  /** The actor refused on purpose; `data` holds what it said. */
  | 'refused';

export class ActorError extends Error {
  constructor(
    readonly code: ActorErrorCode,
    message: string,
    /** Plain data given to `Sender.refuse`; only with code `refused`. */
    readonly data?: unknown,
  ) {
    super(message);
    this.name = 'ActorError';
  }
}

/** Who sent the current message. For a `tell` both methods do nothing. Each may be called once, also later. */
export interface Sender {
  /** `value` must be structured-cloneable. */
  reply(value?: unknown): void;
  /** `data` must be plain; it arrives as `ActorError('refused').data`. */
  refuse(message: string, data?: unknown): void;
}

export interface AskOptions {
  readonly timeoutMs: number;
  /** Refused with `stale_epoch` when the actor registered under another epoch. */
  readonly epoch?: number;
}

export interface Timer {
  cancel(): void;
}

export interface Clock {
  now(): number;
  after(delayMs: number, callback: () => void): Timer;
}

export interface Log {
  debug(text: string): void;
  info(text: string): void;
  error(text: string): void;
}

/** What a behaviour may do. Handed to every call; valid only while the actor lives. */
export interface ActorContext<Message> {
  readonly self: ActorRef;
  readonly parent: ActorRef | null;
  readonly clock: Clock;
  readonly system: ActorSystem;
  tell(to: ActorRef, message: unknown): void;
  /**
   * For callbacks of what the actor holds, such as a socket: the message comes in the order of these calls, like what
   * `pipeToSelf` brings, and is dropped once the actor stops. The caller bounds how many are waiting.
   */
  tellSelf(message: Message): void;
  ask<Reply>(to: ActorRef, message: unknown, options: AskOptions): Promise<Reply>;
  /** Sends `message` to this actor after `delayMs`; cancelled when the actor stops. */
  schedule(delayMs: number, message: Message): Timer;
  /** Lets the outcome of an operation come back as a message, so that the turn need not be held. */
  pipeToSelf<Value>(
    operation: Promise<Value>,
    toMessage: (outcome: { ok: true; value: Value } | { ok: false; error: Error }) => Message,
  ): void;
  /** Starts a child in this thread; it stops with this actor. Throws what `preStart` throws, and `Error` when the
   * address is taken. Children are reachable from this thread only. */
  spawnChild<ChildMessage, State, Args>(
    behavior: Behavior<ChildMessage, State, Args>,
    id: string,
    args: Args,
  ): ActorRef;
  /** Stops a child and resolves when its `postStop` has finished. */
  stopChild(child: ActorRef): Promise<void>;
  /** Stops this actor once the current turn ends. */
  stopSelf(): void;
}

/** Definition of one kind of actor. Immutable; all state is what `preStart` returned. */
export interface Behavior<Message, State, Args> {
  readonly kind: string;
  /** Messages that may wait in the user lane. Default 1000. */
  readonly mailboxLimit?: number;
  preStart(ctx: ActorContext<Message>, args: Args): State;
  /**
   * Handles one message, synchronously. It must not wait: long work goes through `pipeToSelf`, and the reply
   * of an ask may be given later through the kept `sender`.
   */
  receive(ctx: ActorContext<Message>, state: State, message: Message, sender: Sender): void;
  /** Runs once after the last message; children are already stopped. May be asynchronous. */
  postStop?(ctx: ActorContext<Message>, state: State): void | Promise<void>;
  /** A handler of a child threw. Default: the child goes on. Return `stop` to stop it. */
  childFailed?(ctx: ActorContext<Message>, state: State, child: ActorRef, error: Error): 'resume' | 'stop';
  /** A child stopped, for whatever reason. */
  childStopped?(ctx: ActorContext<Message>, state: State, child: ActorRef): void;
}

export interface SpawnOptions {
  /** Makes the actor reachable from every thread under its ref. Higher epochs replace lower ones. */
  readonly epoch?: number;
}

/** One per thread. All threads of the process share one address space of refs. */
export interface ActorSystem {
  /** 0 is main, shards count from 1. A restarted shard gets a new number. */
  readonly thread: number;
  readonly clock: Clock;
  /**
   * Starts a top-level actor here. With `epoch` it is registered in the directory, and an older actor of that ref
   * is stopped. Throws `ActorError('stale_epoch')` when the ref has an equal or higher epoch, `Error` when an
   * actor without epoch has the address, `ActorError('stopped')` after `shutdown`, and what `preStart` throws.
   */
  spawn<Message, State, Args>(
    behavior: Behavior<Message, State, Args>,
    id: string,
    args: Args,
    options?: SpawnOptions,
  ): ActorRef;
  /** Enqueues without an answer. To an unknown or full mailbox: counted in `stats()`, logged at debug. */
  tell(to: ActorRef, message: unknown, lane?: Lane): void;
  /** Rejects with `ActorError`, never hangs. */
  ask<Reply>(to: ActorRef, message: unknown, options: AskOptions): Promise<Reply>;
  /** Stops an actor of this thread; resolves when its `postStop` has finished. Unknown: resolves at once. */
  stop(ref: ActorRef): Promise<void>;
  /** Where an addressable actor lives, as far as this thread knows. */
  locate(ref: ActorRef): { readonly thread: number; readonly epoch: number } | undefined;
  /**
   * Sends plain data to the subscribers of `topic` in all other threads, in order per publisher. `data` must not
   * be changed afterwards.
   */
  publish(topic: string, data: unknown): void;
  /**
   * Resolves when every other thread has handled what this thread has published up to now. A thread that is lost, or
   * does not answer within a second, is not waited for.
   */
  published(): Promise<void>;
  /** Receives what other threads publish; `fromThread` is the publisher. Returns the unsubscribe function. */
  subscribe(topic: string, handler: (data: unknown, fromThread: number) => void): () => void;
  /** Called when another thread has died or left; its actors are already gone from the directory. */
  onThreadLost(handler: (thread: number) => void): () => void;
  /** Stops every actor of this thread. */
  shutdown(): Promise<void>;
  stats(): {
    readonly actors: Readonly<Record<string, number>>;
    readonly undelivered: number;
    readonly overflowed: number;
  };
}
