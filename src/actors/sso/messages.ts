/** Messages of the `sso` actor: one, on main, with the logins that wait for their user to come back. */

import type { PendingDevice, PendingLogin } from '../../auth/sso/pending-logins.js';
import type { ActorRef } from '../runtime/types.js';

export const ssoRef: ActorRef = { kind: 'sso', id: 'main' };

/** `key` is the digest of a state or device code. */
export type SsoMessage =
  /** Reply: nothing. */
  | { readonly type: 'keepState'; readonly key: string; readonly login: PendingLogin; readonly ip: string }
  /** Reply: `PendingLogin | null`. */
  | { readonly type: 'takeState'; readonly key: string }
  /** Reply: boolean. */
  | { readonly type: 'mayStartDevice'; readonly ip: string }
  /** Reply: nothing. */
  | { readonly type: 'keepDevice'; readonly key: string; readonly device: PendingDevice; readonly ip: string }
  /** Reply: `PollVerdict`. */
  | { readonly type: 'pollDevice'; readonly key: string }
  /** Told, not asked. */
  | { readonly type: 'slowDevice'; readonly key: string }
  | { readonly type: 'endDevice'; readonly key: string };
