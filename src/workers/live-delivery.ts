/** Main's own way to the receivers of codes: it checks them when accounts change, and the service before it is used. */

import { isDeepStrictEqual } from 'node:util';
import {
  openCodeDelivery,
  type ReadyCodeDelivery,
} from '../auth/second-factor/delivery/open-code-delivery.js';
import type { CodeDelivery } from '../auth/second-factor/second-factor.js';
import { invalidConfig, reasonOf } from '../config/config-error.js';
import type { Config } from '../config/types.js';
import type { Logger } from '../logging/logger.js';
import { systemClock } from '../time.js';

export interface LiveDelivery {
  /** As of the present configuration; `null` when codes are not sent. */
  readonly checkReceiver: CodeDelivery['checkReceiver'] | null;
  /**
   * Opens the delivery of the next configuration and asks its service, if anything about it has changed. Resolves with
   * what puts it to use. Rejects with `ConfigError`; nothing has changed then.
   */
  prepare(next: Config): Promise<() => void>;
}

/** Rejects with `ConfigError` when the service does not answer, or refuses its credentials. Spec 02 §1 item 10. */
export async function openLiveDelivery(initial: Config, log: Logger): Promise<LiveDelivery> {
  let settings: unknown = null;
  let delivery: ReadyCodeDelivery | null = null;

  const prepare = async (next: Config): Promise<() => void> => {
    const wanted = structuredClone(settingsOf(next));
    if (isDeepStrictEqual(wanted, settings)) return () => undefined;
    let opened: ReadyCodeDelivery | null = null;
    try {
      opened = next.api.address === '' ? null : openCodeDelivery({ config: next, clock: systemClock, log });
      await opened?.checkReady();
    } catch (error) {
      throw invalidConfig(`API: ${reasonOf(error)}`);
    }
    return () => {
      settings = wanted;
      delivery = opened;
    };
  };

  const use = await prepare(initial);
  use();
  return {
    prepare,
    get checkReceiver() {
      return delivery?.checkReceiver ?? null;
    },
  };
}

/** All that a delivery goes by. */
function settingsOf({ api, smtp, pushover }: Config): unknown {
  const { address, baseUrl, twoFaTokenDelivery, twoFaSendTimeout, twoFaSendToType, twoFaSendToRegex } = api;
  const own = { address, baseUrl, twoFaTokenDelivery, twoFaSendTimeout, twoFaSendToType, twoFaSendToRegex };
  return { own, smtp, pushover };
}
