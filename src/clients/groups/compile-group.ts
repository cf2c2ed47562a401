/** From the definition of a client group to the question whether a client belongs to it. Spec 03 §7.4. */

import { compileGlob } from '../../query/wildcard.js';
import { type ClientValues, paramNumber } from './client-values.js';
import { type ClientGroup, type GroupParamName, groupParamNames } from './group.js';
import { parseTagParam } from './tag-param.js';

export interface CompiledGroup {
  readonly group: ClientGroup;
  /** Parameters it looks at, as bits; 0 = it has no members. */
  readonly uses: number;
  /** Every member has at least one of these values, in lower case; `null` when there is no such set. */
  readonly anchor: { readonly param: number; readonly values: ReadonlySet<string> } | null;
  matches(values: ClientValues): boolean;
}

/** One parameter that is set. */
interface Condition {
  readonly param: number;
  readonly holds: (values: readonly string[]) => boolean;
  /** One of these a client must have; `null` when patterns with wildcards, or nothing, would do. */
  readonly exact: ReadonlySet<string> | null;
}

/** Where few clients share a value comes first: those are looked up fastest. */
const anchorOrder: readonly number[] = (
  [
    'client_id',
    'name',
    'hostname',
    'address',
    'ipv4',
    'ipv6',
    'tag',
    'client_auth_id',
    'version',
    'os',
    'os_family',
    'os_arch',
    'os_kernel',
    'connection_state',
  ] satisfies readonly GroupParamName[]
).map(paramNumber);

export function compileGroup(group: ClientGroup): CompiledGroup {
  const conditions = groupParamNames.flatMap((name) => conditionOf(group, name) ?? []);
  const uses = conditions.reduce((bits, { param }) => bits | (1 << param), 0);
  return {
    group,
    uses,
    anchor: chooseAnchor(conditions),
    matches: (values) => uses !== 0 && conditions.every(({ param, holds }) => holds(values.of(param))),
  };
}

function conditionOf(group: ClientGroup, name: GroupParamName): Condition | undefined {
  const param = paramNumber(name);
  if (name !== 'tag') {
    const patterns = group.params[name];
    return patterns === null ? undefined : { param, ...anyOf(patterns) };
  }
  if (group.params.tag === null) return undefined;
  const rule = parseTagParam(group.params.tag);
  // Was checked before it was stored; a group nobody understands has no members.
  if (typeof rule === 'string') return { param, holds: () => false, exact: null };
  return { param, ...(rule.operator === 'or' ? anyOf(rule.patterns) : allOf(rule.patterns)) };
}

type Test = Pick<Condition, 'holds' | 'exact'>;

/** No pattern at all is met by a client without any value. */
function anyOf(patterns: readonly string[]): Test {
  if (patterns.length === 0) return { holds: (values) => values.length === 0, exact: null };
  const lower = patterns.map((pattern) => pattern.toLowerCase());
  const exact = new Set(lower.filter((pattern) => !pattern.includes('*')));
  const globs = lower.filter((pattern) => pattern.includes('*')).map(compileGlob);
  const matches = (value: string): boolean => exact.has(value) || globs.some((glob) => glob(value));
  return { holds: (values) => values.some(matches), exact: globs.length === 0 ? exact : null };
}

/** Each pattern by some value. */
function allOf(patterns: readonly string[]): Test {
  const tests = patterns.map((pattern) => anyOf([pattern]));
  return {
    holds: (values) => tests.every(({ holds }) => holds(values)),
    exact: tests.find(({ exact }) => exact !== null)?.exact ?? null,
  };
}

function chooseAnchor(conditions: readonly Condition[]): CompiledGroup['anchor'] {
  for (const param of anchorOrder) {
    const values = conditions.find((condition) => condition.param === param)?.exact;
    if (values) return { param, values };
  }
  return null;
}
