/** From the definition of a client group to the question whether a client belongs to it. Spec 03 §7.4. */

import { compileGlob, type Matcher } from '../../query/wildcard.js';
import { type ClientValues, paramNumber } from './client-values.js';
import { type ClientGroup, type GroupParamName, groupParamNames } from './group.js';
import { parseTagParam } from './tag-param.js';

/** What a member must have. */
export interface Condition {
  readonly param: number;
  /** Of several conditions on one parameter; the first is 0. */
  readonly place: number;
  /** In lower case. Some value matches one of them; when there are none, there is no value either. */
  readonly patterns: readonly string[];
}

export interface CompiledGroup {
  readonly group: ClientGroup;
  /** Members meet all of them; a group without any has no members. */
  readonly conditions: readonly Condition[];
  matches(values: ClientValues): boolean;
}

export function compileGroup(group: ClientGroup): CompiledGroup {
  const conditions = conditionsOf(group);
  const tests = conditions.map(({ param, patterns }) => ({ param, holds: anyOf(patterns) }));
  return {
    group,
    conditions,
    matches: (values) => tests.length > 0 && tests.every(({ param, holds }) => holds(values.of(param))),
  };
}

/** Whether a pattern is more than a value to be equal to. */
export const hasWildcard = (pattern: string): boolean => pattern.includes('*');

function conditionsOf(group: ClientGroup): readonly Condition[] {
  const found: Condition[] = [];
  for (const name of groupParamNames) {
    const asked = patternsOf(group, name);
    // Was checked before it was stored; a group nobody understands has no members.
    if (asked === undefined) return [];
    for (const [place, patterns] of asked.entries()) {
      const lower = patterns.map((pattern) => pattern.toLowerCase());
      found.push({ param: paramNumber(name), place, patterns: lower });
    }
  }
  return found;
}

/** For each condition its patterns; `undefined` when the parameter cannot be read. */
function patternsOf({ params }: ClientGroup, name: GroupParamName): (readonly string[])[] | undefined {
  if (name !== 'tag') {
    const patterns = params[name];
    return patterns === null ? [] : [patterns];
  }
  if (params.tag === null) return [];
  const rule = parseTagParam(params.tag);
  if (typeof rule === 'string') return undefined;
  return rule.operator === 'or' ? [rule.patterns] : rule.patterns.map((pattern) => [pattern]);
}

function anyOf(patterns: readonly string[]): (values: readonly string[]) => boolean {
  if (patterns.length === 0) return (values) => values.length === 0;
  const exact = new Set(patterns.filter((pattern) => !hasWildcard(pattern)));
  const globs: readonly Matcher[] = patterns.filter(hasWildcard).map(compileGlob);
  return (values) => values.some((value) => exact.has(value) || globs.some((glob) => glob(value)));
}
