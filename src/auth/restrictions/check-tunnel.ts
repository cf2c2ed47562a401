/** Whether a caller's groups allow what he wants of tunnels. Spec 02 §15.3, 05 §22.3. */

import { AppError } from '../../errors.js';
import type { Remote } from '../../tunnels/remote.js';
import type { Restriction } from '../groups/group.js';
import { brokenRule } from './broken-rule.js';
import { normalKey, valuesOf } from './normal-key.js';
import {
  parameterOfTunnel,
  type RequestedTunnel,
  type TunnelParameter,
  tunnelParameter,
} from './tunnel-parameter.js';

/** As in `Principal`: one of them must allow the whole request; `null` = no restriction. */
export type Restrictions = readonly Restriction[] | null;

const TERMINATE_FOREIGN = 'terminate_foreign_tunnels';

/** Throws `AppError` 400 that names the parameter. */
export function checkTunnelRequest(restrictions: Restrictions, tunnel: RequestedTunnel): void {
  check(restrictions, (key) => tunnelParameter(key, tunnel));
}

/**
 * A tunnel there is, as a change of its ACL would make it. All of it is judged, like a request: otherwise one could open
 * to oneself what others have opened, or what one group allows with certain ACLs only. Throws `AppError` 400.
 */
export function checkTunnelAcl(restrictions: Restrictions, tunnel: Remote): void {
  check(restrictions, (key) => parameterOfTunnel(key, tunnel));
}

/** Whether the caller may close tunnels that others have opened. */
export function mayTerminateForeign(restrictions: Restrictions): boolean {
  if (restrictions === null) return true;
  return restrictions.some((one) => valuesOf(one, TERMINATE_FOREIGN).every((value) => value === true));
}

/** `parameterOf` gives `null` for keys that say nothing about the request. */
function check(restrictions: Restrictions, parameterOf: (key: string) => TunnelParameter | null): void {
  if (restrictions === null) return;
  let first: string | null = null;
  for (const restriction of restrictions) {
    const reason = broken(restriction, parameterOf);
    if (reason === null) return;
    first ??= reason;
  }
  throw new AppError('bad_request', { title: first ?? 'Tunnels are forbidden' });
}

function broken(
  restriction: Restriction,
  parameterOf: (key: string) => TunnelParameter | null,
): string | null {
  for (const [key, rule] of Object.entries(restriction)) {
    const parameter = normalKey(key) === TERMINATE_FOREIGN ? null : parameterOf(key);
    const reason = parameter === null ? null : brokenRule(key, rule, parameter);
    if (reason !== null) return reason;
  }
  return null;
}
