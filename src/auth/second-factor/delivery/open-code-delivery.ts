/** The configured way of delivery, with what all of them have in common. Spec 02 §1 item 10 and §8.1. */

import type { Config } from '../../../config/types.js';
import { AppError } from '../../../errors.js';
import type { Logger } from '../../../logging/logger.js';
import type { Clock, Milliseconds } from '../../../time.js';
import type { CodeDelivery } from '../second-factor.js';
import type { Channel } from './channel.js';
import { emailChannel } from './email.js';
import { pushoverChannel } from './pushover.js';
import { scriptChannel } from './script.js';
import { urlChannel } from './url.js';

export interface CodeDeliveryOptions {
  readonly config: Pick<Config, 'api' | 'smtp' | 'pushover'>;
  readonly clock: Clock;
  /** What a program prints goes here. */
  readonly log: Logger;
  /** For tests; default: the service itself. */
  readonly pushoverUrl?: string;
  /** For tests: a certificate to trust at the mail server. */
  readonly mailCa?: string;
}

export interface ReadyCodeDelivery extends CodeDelivery {
  /** Connects to the service. Rejects with `Error`, text as in spec 06 §11: the server does not start then. */
  checkReady(): Promise<void>;
}

/** What an operator can do about a hung service is a matter of minutes; until then it must not use up a shard. */
const AT_ONCE = 100;
const RETRY_AFTER_SECONDS = 5;
const LONGEST_RECEIVER = 1024;

/** `null` when codes are not sent. The configuration must be a checked one. */
export function openCodeDelivery(options: CodeDeliveryOptions): ReadyCodeDelivery | null {
  const channel = openChannel(options);
  if (channel === null) return null;
  const { clock, config } = options;
  const timeout = config.api.twoFaSendTimeout;
  let running = 0;

  const bounded = async (work: (signal: AbortSignal) => Promise<void>): Promise<void> => {
    if (running >= AT_ONCE) throw new AppError('overloaded', { retryAfterSeconds: RETRY_AFTER_SECONDS });
    running += 1;
    try {
      await withDeadline(clock, timeout, work);
    } finally {
      running -= 1;
    }
  };

  return {
    method: channel.method,
    send: (message) =>
      bounded(async (signal) => {
        checkShape(message.receiver);
        await channel.send(message, signal);
      }),
    checkReceiver: (receiver) =>
      bounded(async (signal) => {
        checkShape(receiver);
        await channel.checkReceiver(receiver, signal);
      }),
    async checkReady() {
      try {
        await withDeadline(clock, timeout, (signal) => channel.checkReady(signal));
      } catch (error) {
        throw error === late
          ? new Error(`no answer in time when checking ${channel.method} delivery`)
          : error;
      }
    },
  };
}

function openChannel({ config, clock, log, pushoverUrl, mailCa }: CodeDeliveryOptions): Channel | null {
  const { api, smtp, pushover } = config;
  const delivery = api.twoFaTokenDelivery;
  if (delivery === '') return null;
  const timeout = api.twoFaSendTimeout;
  if (delivery === 'smtp') return emailChannel({ smtp, timeout, ca: mailCa });
  if (delivery === 'pushover') return pushoverChannel({ pushover, clock, baseUrl: pushoverUrl });
  // An executable cannot look like this: its name would have to be found below a folder `http:`.
  if (/^https?:\/\//i.test(delivery)) return urlChannel(delivery, api.baseUrl);
  return scriptChannel({
    script: delivery,
    receiverType: api.twoFaSendToType,
    receiverRegex: api.twoFaSendToRegex,
    timeout,
    clock,
    log,
  });
}

/** Nothing that no environment, header or form could carry. */
function checkShape(receiver: string): void {
  if (receiver.length > LONGEST_RECEIVER) throw new Error('the receiver is too long');
  if (/\p{Cc}/u.test(receiver)) throw new Error('the receiver must not have control characters');
}

const late = new Error('context deadline exceeded');

/** Rejects with `context deadline exceeded` when the time is over, whatever the work does then. */
async function withDeadline(
  clock: Clock,
  timeout: Milliseconds,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const ending = new AbortController();
  const deadline = new Promise<never>((_, reject) => {
    ending.signal.addEventListener('abort', () => reject(late), { once: true });
  });
  const timer = clock.after(timeout, () => ending.abort(late));
  try {
    await Promise.race([work(ending.signal), deadline]);
  } finally {
    timer.cancel();
  }
}
