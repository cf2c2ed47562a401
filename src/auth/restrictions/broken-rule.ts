/** Compares one parameter with one value of a restriction. Spec 05 §22.2. */

import { parseLimit } from './limit.js';
import { compileRegularExpression, type RegularExpression } from './regular-expression.js';
import type { TunnelParameter } from './tunnel-parameter.js';

/** Characters of a value, and of what is allowed, in an answer. */
const SHOWN = 200;

/** Why `rule`, the value under `key`, forbids the parameter; `null` when it does not. */
export function brokenRule(key: string, rule: unknown, parameter: TunnelParameter): string | null {
  const name = shorten(parameter.name ?? key);
  if (typeof rule === 'boolean') {
    return rule || !parameter.isUsed
      ? null
      : `Tunnel with ${name}=${shorten(parameter.shown)} is forbidden. You are not allowed to set ${name} value`;
  }
  if (typeof rule === 'string') return brokenPattern(name, rule, parameter);
  if (Array.isArray(rule)) return brokenList(name, rule, parameter);
  if (typeof rule === 'object' && rule !== null) {
    return brokenRange(name, rule as Readonly<Record<string, unknown>>, parameter);
  }
  return unusable(name);
}

function brokenPattern(
  name: string,
  pattern: string,
  { forms, optional, shown }: TunnelParameter,
): string | null {
  if (forms.length === 0 && optional) return null;
  const expression = compiled(pattern);
  if (expression === null) return unusable(name);
  if ((forms.length === 0 ? [''] : forms).some((form) => expression.test(form))) return null;
  return `Tunnel with ${name}=${shorten(shown)} is forbidden. Allowed values must match '${shorten(pattern)}' regular expression`;
}

function brokenList(name: string, list: readonly unknown[], parameter: TunnelParameter): string | null {
  const texts = list.filter((item) => typeof item === 'string');
  if (texts.length < list.length) return unusable(name);
  if (texts.length === 0) return null;
  const { forms, shown } = parameter;
  const isListed = parameter.isListed?.(texts) ?? forms.some((form) => texts.includes(form));
  if (isListed) return null;
  const subject = shown === '' ? `without parameter ${name}` : `with parameter ${name}=${shorten(shown)}`;
  return `Tunnel ${subject} is forbidden. Allowed values: [${shorten(texts.join(' '))}]`;
}

function brokenRange(
  name: string,
  range: Readonly<Record<string, unknown>>,
  { lasts, shown }: TunnelParameter,
): string | null {
  const subject = shown === '' ? `without parameter ${name}` : `with ${name}=${shorten(shown)}`;
  for (const [rule, given] of Object.entries(range)) {
    const limit = parseLimit(given);
    if (limit === undefined || (rule !== 'min' && rule !== 'max')) return unusable(name);
    if (lasts === undefined) return `parameter ${name} not parseable as time.duration`;
    const allowed = (word: string): string =>
      `Tunnel ${subject} is forbidden. Allowed value must be ${word} than ${shorten(String(given))}`;
    if (rule === 'min' && lasts.atLeast < limit) return allowed('greater');
    if (rule === 'max' && lasts.atMost > limit) return allowed('less');
  }
  return null;
}

/** A restriction that was not written through this server may be anything; what cannot be judged is forbidden. */
const unusable = (name: string): string => `The restriction of ${name} is unusable: ask an administrator`;

function compiled(pattern: string): RegularExpression | null {
  try {
    return compileRegularExpression(pattern);
  } catch {
    return null;
  }
}

const shorten = (text: string): string => (text.length > SHOWN ? `${text.slice(0, SHOWN)}...` : text);
