/** Changes client groups and tells everybody: store first, then the own index, then the other threads. */

import { AppError } from '../../errors.js';
import { goQuote } from '../../go/quote.js';
import type { Store } from '../../store/store.js';
import type { ClientGroup, ClientGroupChange } from './group.js';

/**
 * Each method resolves when the change is on disk and every thread goes by it. The group has been checked. Changes of
 * several threads at once are put in order by the store, which is also what all of them read afterwards.
 */
export interface ClientGroups {
  /** Throws `AppError` 409 when there is a group of that id. */
  add(group: ClientGroup): Promise<void>;
  /** Adds or replaces. */
  put(group: ClientGroup): Promise<void>;
  /** Nothing when unknown. */
  remove(id: string): Promise<void>;
}

export interface ClientGroupsOptions {
  readonly store: Pick<Store, 'clientGroups' | 'flushed'>;
  readonly index: { applyGroup(change: ClientGroupChange): void };
  /** Sends to all other threads, on `CLIENT_GROUPS_TOPIC`. */
  readonly publish: (change: ClientGroupChange) => void;
  /** Resolves when they have handled what was sent. */
  readonly published: () => Promise<void>;
}

export function createClientGroups(options: ClientGroupsOptions): ClientGroups {
  const { store, index, publish, published } = options;

  const announce = async (change: ClientGroupChange): Promise<void> => {
    index.applyGroup(change);
    publish(change);
    await Promise.all([store.flushed(), published()]);
  };

  return {
    async add(group) {
      if (!(await store.clientGroups.add(group))) {
        throw new AppError('conflict', { title: `Client Group[id=${goQuote(group.id)}] already exists.` });
      }
      await announce({ type: 'saved', group });
    },

    async put(group) {
      await store.clientGroups.put(group);
      await announce({ type: 'saved', group });
    },

    async remove(id) {
      await store.clientGroups.remove(id);
      await announce({ type: 'removed', id });
    },
  };
}
