/** Whether a caller's groups allow a command. Spec 02 §15.3 item 3, 04 §20. */

import { AppError } from '../../errors.js';
import type { Restriction } from '../groups/group.js';
import type { Restrictions } from './check-tunnel.js';
import { valuesOf } from './normal-key.js';
import { compileRegularExpression } from './regular-expression.js';

export interface RestrictedCommand {
  readonly command: string;
  /** The flag of the request; a `sudo` in the text is judged by the regular expressions. */
  readonly isSudo: boolean;
}

/** Throws `AppError` 400 that names what forbids it. */
export function checkCommand(restrictions: Restrictions, command: RestrictedCommand): void {
  if (restrictions === null) return;
  let first: string | null = null;
  for (const restriction of restrictions) {
    const reason = broken(restriction, command);
    if (reason === null) return;
    first ??= reason;
  }
  throw new AppError('bad_request', { title: first ?? 'Commands are forbidden' });
}

function broken(restriction: Restriction, { command, isSudo }: RestrictedCommand): string | null {
  if (isSudo && valuesOf(restriction, 'is_sudo').some((value) => value !== true)) {
    return 'Command with is_sudo=true is forbidden. You are not allowed to set is_sudo value';
  }
  // Patterns that cannot be used allow nothing and deny everything.
  for (const value of valuesOf(restriction, 'allow')) {
    const patterns = patternsOf(value);
    if (patterns === null || (patterns.length > 0 && !patterns.some((one) => matches(one, command, false)))) {
      return "Command is forbidden. It matches none of the 'allow' regular expressions";
    }
  }
  for (const value of valuesOf(restriction, 'deny')) {
    const patterns = patternsOf(value);
    if (patterns === null || patterns.some((one) => matches(one, command, true))) {
      return "Command is forbidden. It matches one of the 'deny' regular expressions";
    }
  }
  return null;
}

/** A single text is a list of one; `null` for anything that is no list of texts. */
function patternsOf(value: unknown): readonly string[] | null {
  if (typeof value === 'string') return [value];
  if (!Array.isArray(value)) return null;
  const texts = value.filter((item) => typeof item === 'string');
  return texts.length === value.length ? texts : null;
}

function matches(pattern: string, command: string, unusable: boolean): boolean {
  try {
    return compileRegularExpression(pattern).test(command);
  } catch {
    return unusable;
  }
}
