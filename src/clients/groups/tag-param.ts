/** The parameter `tag`, which alone knows operators. Spec 03 §7.1 and §7.4. */

import type { TagParam } from './group.js';

export interface TagRule {
  readonly operator: 'and' | 'or';
  /** At least one. */
  readonly patterns: readonly string[];
}

/** Why a value is no tag parameter. */
export type TagProblem = 'operator' | 'form';

/** A list is `or`. Operators are understood in any letter case; a null element counts as empty text. */
export function parseTagParam(value: unknown): TagRule | TagProblem {
  if (Array.isArray(value)) return ruleOf('or', value);
  if (typeof value !== 'object' || value === null) return 'form';
  const [only, ...others] = Object.entries(value);
  if (only === undefined || others.length > 0) return 'form';
  const [key, operands] = only;
  const operator = key.toLowerCase();
  // Of two mistakes the one in the list is named, unless it is merely empty.
  if (operands !== null && !isTexts(operands)) return 'form';
  if (operator !== 'and' && operator !== 'or') return 'operator';
  return ruleOf(operator, operands);
}

/** Whether the stored or given value can be kept as it is. */
export const isTagParam = (value: unknown): value is TagParam => typeof parseTagParam(value) === 'object';

function ruleOf(operator: TagRule['operator'], operands: unknown): TagRule | TagProblem {
  if (!isTexts(operands) || operands.length === 0) return 'form';
  return { operator, patterns: operands.map((operand) => operand ?? '') };
}

const isTexts = (value: unknown): value is readonly (string | null)[] =>
  Array.isArray(value) && value.every((element) => element === null || typeof element === 'string');
