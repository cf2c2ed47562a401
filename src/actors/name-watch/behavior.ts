/**
 * Watches over the names of those who have sessions or API tokens, so that whoever gets such a name by hand inherits none
 * of them. One actor, on main; the scheduler does the same for schedules. Spec 02 §18.
 */

import { NameWatch, type TenureOf, WATCH_EVERY } from '../../auth/users/name-watch.js';
import type { Logger } from '../../logging/logger.js';
import type { Store } from '../../store/store.js';
import type { ActorContext, ActorRef, ActorSystem, Behavior } from '../runtime/types.js';

export interface NameWatchDeps {
  readonly store: {
    readonly sessions: Pick<Store['sessions'], 'usernames'>;
    readonly apiTokens: Pick<Store['apiTokens'], 'usernames'>;
  };
  readonly tenureOf: TenureOf;
  readonly log: Pick<Logger, 'error'>;
}

type Message = { readonly type: 'look' } | { readonly type: 'looked' };

interface State {
  readonly watch: NameWatch;
  looking: Promise<void>;
}

export function spawnNameWatch(system: ActorSystem, deps: NameWatchDeps): ActorRef {
  return system.spawn(nameWatchBehavior, 'main', deps);
}

const nameWatchBehavior: Behavior<Message, State, NameWatchDeps> = {
  kind: 'name-watch',

  preStart(ctx, { store, tenureOf, log }) {
    ctx.schedule(0, { type: 'look' });
    const watch = new NameWatch({
      names: () => [...store.sessions.usernames(), ...store.apiTokens.usernames()],
      tenureOf,
      complain: (reason) => log.error(`users with sessions and API tokens cannot be looked up: ${reason}`),
    });
    return { watch, looking: Promise.resolve() };
  },

  receive(ctx, state, message) {
    if (message.type === 'looked') ctx.schedule(WATCH_EVERY, { type: 'look' });
    else look(ctx, state);
  },

  // The store is closed after the actors: nobody may be writing to it then.
  async postStop(_ctx, { watch, looking }) {
    watch.stop();
    await looking;
  },
};

function look(ctx: ActorContext<Message>, state: State): void {
  state.looking = state.watch.check();
  ctx.pipeToSelf(state.looking, () => ({ type: 'looked' }));
}
