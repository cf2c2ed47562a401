/** The registrar: which session owns which client. Spec 01 §6.5, §6.8, §12; see `messages.ts`. */

import type { ActorRef, ActorSystem, Behavior } from '../runtime/types.js';
import { accessAsked, accessSaved, resumeAccess, setAccess } from './access.js';
import { AuthIds } from './auth-ids.js';
import { claim } from './claim.js';
import { storedOf } from './known.js';
import { REGISTRAR } from './messages.js';
import { connected, ended, proceed, release, settle, settled, threadLost } from './release.js';
import { purge, remove } from './remove.js';
import { Revocations } from './revocations.js';
import { expel, expelled, revoke } from './revoke.js';
import { change, forget, type Message, type RegistrarDeps, type State } from './state.js';

export type { RegistrarDeps } from './state.js';

/** On main, after `disconnectStored` and before the first shard. */
export function spawnRegistrar(system: ActorSystem, deps: RegistrarDeps): ActorRef {
  return system.spawn(registrarBehavior, REGISTRAR.id, deps, { epoch: 1 });
}

const registrarBehavior: Behavior<Message, State, RegistrarDeps> = {
  kind: REGISTRAR.kind,
  // A claim, a confirmation and a release for each session that is open; those are bounded elsewhere. A release
  // lost here would lock its agent out.
  mailboxLimit: 1_000_000,

  preStart(ctx, deps) {
    const unsubscribe = ctx.system.onThreadLost((thread) => {
      ctx.system.tell(ctx.self, { type: 'thread-lost', thread });
    });
    const state: State = {
      deps,
      known: new Map(),
      authIds: new AuthIds(),
      revocations: new Revocations(),
      waitingAccess: new Map(),
      epoch: 0,
      writing: new Set(),
      unsubscribe,
    };
    for (const record of deps.store.clients.all()) {
      change(state, record.id, (known) => {
        known.stored = storedOf(record);
      });
    }
    return state;
  },

  receive(ctx, state, message, sender) {
    switch (message.type) {
      case 'claim':
        claim(ctx, state, { claim: message, sender });
        return;
      case 'connected':
        connected(state, message.id, message.attempt);
        resumeAccess(ctx, state, message.id);
        return;
      case 'release':
        release(ctx, state, message.id, message.attempt, message.ending);
        resumeAccess(ctx, state, message.id);
        return;
      case 'delete':
        remove(ctx, state, message.id, sender);
        return;
      case 'set-access':
        setAccess(ctx, state, { id: message.id, allowedUserGroups: message.allowedUserGroups, sender });
        return;
      case 'purge':
        purge(ctx, state, message.limit, sender);
        return;
      case 'revoke':
        revoke(ctx, state, message, sender);
        return;
      case 'revoked':
        if (message.deleted) state.revocations.finish(message.authId, ctx.clock.now());
        else state.revocations.cancel(message.authId);
        return;
      case 'expel':
        expel(ctx, state, message.expulsion);
        return;
      case 'expelled':
        expelled(ctx, state, message.expulsion, message.ids, message.endings);
        for (const id of message.ids) resumeAccess(ctx, state, id);
        return;
      case 'thread-lost':
        threadLost(ctx, state, message.thread);
        return;
      case 'overtaken':
        // A shard that does not answer in time is as good as gone: the new epoch ends its actor.
        ended(state, message.id, message.attempt, message.ending ?? { kind: 'never-connected' });
        proceed(ctx, state, message.id);
        resumeAccess(ctx, state, message.id);
        return;
      case 'settle':
        settle(ctx, state, message.ids);
        return;
      case 'settled':
        for (const id of message.ids) {
          settled(ctx, state, id, message.records);
          proceed(ctx, state, id);
          resumeAccess(ctx, state, id);
        }
        return;
      case 'removed':
        for (const id of message.ids) {
          if (message.error === null) change(state, id, forget);
          proceed(ctx, state, id);
          resumeAccess(ctx, state, id);
        }
        message.reply(message.error);
        return;
      case 'access-asked':
        accessAsked(ctx, state, message);
        return;
      case 'access-saved':
        accessSaved(ctx, state, message);
        resumeAccess(ctx, state, message.change.id);
        return;
    }
  },

  // The store is closed after the actors: nobody may be using it then.
  async postStop(_ctx, state) {
    state.unsubscribe();
    await Promise.allSettled(state.writing);
  },
};
