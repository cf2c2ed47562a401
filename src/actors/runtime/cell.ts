/** One running actor: its mailbox, its turn, its children and its end. */

import type { Runnable } from './dispatcher.js';
import { DEFAULT_MAILBOX_LIMIT, type Envelope, Mailbox } from './mailbox.js';
import { KeptReplies, NOBODY, Reply, type ReplyTo } from './reply.js';
import type {
  ActorContext,
  ActorRef,
  ActorSystem,
  AskOptions,
  Behavior,
  Clock,
  Lane,
  Log,
  Timer,
} from './types.js';

/** A cell as others see it, whatever its message type. */
export interface AnyCell extends Runnable {
  readonly self: ActorRef;
  /** Null for an actor that is not in the directory. */
  readonly epoch: number | null;
  /** False: the mailbox is full. */
  offer(lane: Lane, message: unknown, sender: ReplyTo): boolean;
  /** Ends this actor and all below it; resolves when `postStop` has finished. */
  stop(): Promise<void>;
  /** First half of a stop: from here on nothing is handled. */
  quit(): void;
  childFailed(child: ActorRef, error: Error): 'resume' | 'stop';
  adopt(child: AnyCell): void;
  /** `started`: it got past its `preStart`. */
  childEnded(child: AnyCell, started: boolean): void;
}

/** What a cell needs of its system. */
export interface CellHost {
  readonly system: ActorSystem;
  readonly clock: Clock;
  readonly log: Log;
  readonly postStopTimeoutMs: number;
  /** Puts the cell in line for a turn. */
  ready(cell: Runnable): void;
  /** Starts an actor below `parent`. */
  spawnChild<Message, State, Args>(
    parent: AnyCell,
    behavior: Behavior<Message, State, Args>,
    id: string,
    args: Args,
  ): ActorRef;
  /** The cell has no address any more. */
  gone(cell: AnyCell): void;
  /** The cell has finished entirely. */
  ended(cell: AnyCell): void;
}

export class Cell<Message, State, Args> implements ActorContext<Message>, AnyCell {
  readonly parent: ActorRef | null;
  readonly #mailbox: Mailbox;
  #phase: 'starting' | 'running' | 'stopping' = 'starting';
  #started: { readonly state: State } | null = null;
  #inLine = false;
  #inTurn = false;
  #stopAfterTurn = false;
  #end: Promise<void> | null = null;
  #timers: Set<Timer> | null = null;
  #kept: KeptReplies | null = null;
  #children: Set<AnyCell> | null = null;

  constructor(
    private readonly host: CellHost,
    private readonly behavior: Behavior<Message, State, Args>,
    readonly self: ActorRef,
    private readonly parentCell: AnyCell | null,
    readonly epoch: number | null,
  ) {
    this.parent = parentCell?.self ?? null;
    this.#mailbox = new Mailbox(behavior.mailboxLimit ?? DEFAULT_MAILBOX_LIMIT);
  }

  /**
   * Makes the state. When `preStart` throws, everything it began is undone and the error goes on. False when the
   * actor has stopped itself already.
   */
  start(args: Args): boolean {
    try {
      this.#started = { state: this.behavior.preStart(this, args) };
    } catch (error) {
      void this.stop();
      throw error;
    }
    if (this.#phase !== 'starting') return false;
    this.#phase = 'running';
    this.#queueUp();
    return true;
  }

  // --- what the behaviour sees -------------------------------------------------------------------------------

  get clock(): Clock {
    return this.host.clock;
  }

  get system(): ActorSystem {
    return this.host.system;
  }

  tell(to: ActorRef, message: unknown): void {
    this.system.tell(to, message);
  }

  tellSelf(message: Message): void {
    this.#bringBack(message);
  }

  ask<Value>(to: ActorRef, message: unknown, options: AskOptions): Promise<Value> {
    return this.system.ask<Value>(to, message, options);
  }

  schedule(delayMs: number, message: Message): Timer {
    if (this.#phase === 'stopping') return { cancel: () => undefined };
    this.#timers ??= new Set();
    const timers = this.#timers;
    const alarm = this.clock.after(delayMs, () => {
      timers.delete(timer);
      this.#bringBack(message);
    });
    const timer: Timer = {
      cancel: () => {
        timers.delete(timer);
        alarm.cancel();
      },
    };
    timers.add(timer);
    return timer;
  }

  pipeToSelf<Value>(
    operation: Promise<Value>,
    toMessage: (outcome: { ok: true; value: Value } | { ok: false; error: Error }) => Message,
  ): void {
    const arrive = (outcome: { ok: true; value: Value } | { ok: false; error: Error }): void => {
      if (this.#phase === 'stopping') return;
      try {
        this.#bringBack(toMessage(outcome));
      } catch (error) {
        this.#failed(error);
      }
    };
    operation.then(
      (value) => arrive({ ok: true, value }),
      (error: unknown) => arrive({ ok: false, error: asError(error) }),
    );
  }

  spawnChild<ChildMessage, ChildState, ChildArgs>(
    behavior: Behavior<ChildMessage, ChildState, ChildArgs>,
    id: string,
    args: ChildArgs,
  ): ActorRef {
    if (this.#phase === 'stopping') throw new Error(`${name(this.self)} is stopping and starts no child`);
    return this.host.spawnChild(this, behavior, id, args);
  }

  async stopChild(child: ActorRef): Promise<void> {
    for (const cell of this.#children ?? []) {
      if (cell.self.kind === child.kind && cell.self.id === child.id) await cell.stop();
    }
  }

  stopSelf(): void {
    void this.stop();
  }

  // --- turns -------------------------------------------------------------------------------------------------

  offer(lane: Lane, message: unknown, sender: ReplyTo): boolean {
    if (!this.#mailbox.offer(lane, message, sender)) return false;
    this.#queueUp();
    return true;
  }

  run(limit: number): number {
    this.#inLine = false;
    let handled = 0;
    while (handled < limit && this.#phase === 'running') {
      const envelope = this.#mailbox.take();
      if (envelope === undefined) return handled;
      handled++;
      this.#handle(envelope);
    }
    if (this.#mailbox.size > 0) this.#queueUp();
    return handled;
  }

  #handle({ message, sender, last }: Envelope): void {
    if (this.#started === null) return;
    this.#inTurn = true;
    try {
      const result: unknown = this.behavior.receive(this, this.#started.state, message as Message, sender);
      // An async handler breaks the contract; its rejection must still not become an unhandled one.
      if (result instanceof Promise) result.catch((error: unknown) => this.#crashed(sender, error));
      if (sender.owed && sender instanceof Reply) this.#keep(sender);
    } catch (error) {
      this.#crashed(sender, error);
    }
    this.#inTurn = false;
    if (last || this.#stopAfterTurn) void this.stop();
  }

  #keep(reply: Reply): void {
    this.#kept ??= new KeptReplies();
    this.#kept.keep(reply, this.clock.now());
  }

  #crashed(sender: ReplyTo, error: unknown): void {
    sender.fail('crashed', `${name(this.self)} crashed: ${asError(error).message}`);
    this.#failed(error);
  }

  #failed(thrown: unknown): void {
    const error = asError(thrown);
    this.host.log.error(`actor ${name(this.self)} crashed: ${describe(error)}`);
    if (this.parentCell?.childFailed(this.self, error) === 'stop') void this.stop();
  }

  /** A result of the actor's own doing. */
  #bringBack(message: Message): void {
    if (this.#phase === 'stopping') return;
    this.#mailbox.push(message, NOBODY);
    this.#queueUp();
  }

  #queueUp(): void {
    if (this.#inLine || this.#phase !== 'running' || this.#mailbox.size === 0) return;
    this.#inLine = true;
    this.host.ready(this);
  }

  // --- children ----------------------------------------------------------------------------------------------

  adopt(child: AnyCell): void {
    this.#children ??= new Set();
    this.#children.add(child);
  }

  childFailed(child: ActorRef, error: Error): 'resume' | 'stop' {
    if (this.#started === null || this.#phase === 'stopping') return 'resume';
    try {
      return this.behavior.childFailed?.(this, this.#started.state, child, error) ?? 'resume';
    } catch (own) {
      this.#failed(own);
      return 'stop';
    }
  }

  childEnded(child: AnyCell, started: boolean): void {
    this.#children?.delete(child);
    if (!started || this.#started === null || this.#phase === 'stopping') return;
    try {
      this.behavior.childStopped?.(this, this.#started.state, child.self);
    } catch (error) {
      this.#failed(error);
    }
  }

  // --- the end -----------------------------------------------------------------------------------------------

  stop(): Promise<void> {
    if (this.#inTurn) this.#stopAfterTurn = true;
    else this.quit();
    this.#end ??= this.#finish();
    return this.#end;
  }

  quit(): void {
    if (this.#phase === 'stopping') return;
    this.#phase = 'stopping';
    this.host.gone(this);
    for (const timer of this.#timers ?? []) timer.cancel();
    for (let waiting = this.#mailbox.take(); waiting !== undefined; waiting = this.#mailbox.take()) {
      waiting.sender.fail('stopped', `${name(this.self)} stopped`);
    }
    for (const child of this.#children ?? []) child.quit();
  }

  async #finish(): Promise<void> {
    // Never inside the turn that asked for the stop.
    await Promise.resolve();
    this.quit();
    await Promise.all([...(this.#children ?? [])].map((child) => child.stop()));
    if (this.#started !== null && this.behavior.postStop !== undefined) {
      await this.#postStop(this.#started.state);
    }
    this.#kept?.failAll('stopped', `${name(this.self)} stopped`);
    this.host.ended(this);
    this.parentCell?.childEnded(this, this.#started !== null);
  }

  /** Resolves when `postStop` is done, has failed, or has taken too long. */
  #postStop(state: State): Promise<void> {
    return new Promise((resolve) => {
      const limit = this.host.postStopTimeoutMs;
      const alarm = this.clock.after(limit, () => {
        this.host.log.error(`actor ${name(this.self)}: postStop takes longer than ${limit} ms, going on`);
        resolve();
      });
      const finished = (): void => {
        alarm.cancel();
        resolve();
      };
      const run = async (): Promise<void> => this.behavior.postStop?.(this, state);
      run().then(finished, (error: unknown) => {
        this.host.log.error(`actor ${name(this.self)}: postStop failed: ${describe(error)}`);
        finished();
      });
    });
  }
}

export const name = (ref: ActorRef): string => `${ref.kind}/${ref.id}`;

const asError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)));

export const describe = (thrown: unknown): string => {
  const error = asError(thrown);
  return error.stack ?? error.message;
};
