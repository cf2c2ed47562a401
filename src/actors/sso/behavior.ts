/** Keeps pending logins of all threads, so that one may begin in one shard and end in another. */

import { PendingLoginBooks } from '../../auth/sso/pending-logins.js';
import type { ActorRef, ActorSystem, Behavior } from '../runtime/types.js';
import { type SsoMessage, ssoRef } from './messages.js';

export const ssoBehavior: Behavior<SsoMessage, PendingLoginBooks, undefined> = {
  kind: ssoRef.kind,
  preStart: () => new PendingLoginBooks(),
  receive({ clock }, books, message, sender) {
    const now = clock.now();
    switch (message.type) {
      case 'keepState':
        books.keepState(message.key, message.login, message.ip, now);
        return sender.reply();
      case 'takeState':
        return sender.reply(books.takeState(message.key, now));
      case 'mayStartDevice':
        return sender.reply(books.mayStartDevice(message.ip, now));
      case 'keepDevice':
        books.keepDevice(message.key, message.device, message.ip, now);
        return sender.reply();
      case 'pollDevice':
        return sender.reply(books.pollDevice(message.key, now));
      case 'slowDevice':
        return books.slowDevice(message.key, now);
      case 'endDevice':
        return books.endDevice(message.key);
    }
  },
};

/** Starts the actor; main does it once, before the shards start. */
export function spawnSso(system: ActorSystem): ActorRef {
  return system.spawn(ssoBehavior, ssoRef.id, undefined, { epoch: 1 });
}
