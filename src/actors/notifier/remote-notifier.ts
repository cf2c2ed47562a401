import type { Milliseconds } from '../../time.js';
import { askActor } from '../ask.js';
import type { ActorSystem } from '../runtime/types.js';
import { NOTIFIER, type NotifierMessage, type WebhookStatus } from './messages.js';

/** A redelivery moves ten thousand rows at most. */
const TIMEOUT: Milliseconds = 30_000;
const GONE = 'webhooks cannot be asked at the moment';

export interface Webhooks {
  status(): Promise<readonly WebhookStatus[]>;
  /** Throws `AppError` 404. */
  redeliver(number: number): Promise<number>;
}

/** Webhooks as every thread sees them. */
export function remoteNotifier(system: ActorSystem): Webhooks {
  const ask = <Reply>(message: NotifierMessage): Promise<Reply> =>
    askActor<Reply>(system, NOTIFIER, message, TIMEOUT, GONE);
  return {
    status: () => ask({ type: 'status' }),
    redeliver: (number) => ask({ type: 'redeliver', number }),
  };
}
