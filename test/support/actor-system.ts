import { createActorSystem } from '../../src/actors/runtime/system.js';
import type { ActorContext, ActorSystem, Behavior, Log, Sender } from '../../src/actors/runtime/types.js';
import { ManualClock } from './manual-clock.js';

/** Keeps what is logged. */
export class RecordedLog implements Log {
  readonly lines: string[] = [];
  debug(text: string): void {
    this.lines.push(`debug: ${text}`);
  }
  info(text: string): void {
    this.lines.push(`info: ${text}`);
  }
  error(text: string): void {
    this.lines.push(`error: ${text}`);
  }
  get errors(): string[] {
    return this.lines.filter((line) => line.startsWith('error: '));
  }
}

/** The actor system of a thread that knows no other, with a clock that stands still. */
export function loneSystem(): { system: ActorSystem; clock: ManualClock; log: RecordedLog } {
  const clock = new ManualClock();
  const log = new RecordedLog();
  return { system: createActorSystem({ thread: 0, clock, log }), clock, log };
}

/** A behaviour whose handler is one function; the argument of `spawn` is its state. */
export function behaviorOf<Message, State = undefined>(
  receive: (ctx: ActorContext<Message>, message: Message, sender: Sender, state: State) => void,
  more: Partial<Behavior<Message, State, State>> = {},
): Behavior<Message, State, State> {
  return {
    kind: 'test',
    preStart: (_, state) => state,
    receive: (ctx, state, message, sender) => receive(ctx, message, sender, state),
    ...more,
  };
}

/** Lets a turn of the event loop pass. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
