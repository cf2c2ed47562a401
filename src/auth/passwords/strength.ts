/** How hard a password is to guess: CPU work of some milliseconds, run in the task pool only. Spec 02 §12.3. */

import type { ZxcvbnFactory } from '@zxcvbn-ts/core';

/**
 * Characters that are looked at, and substitutions (`4` for `a`) that are tried: work grows with both. With these,
 * the worst of many hostile passwords took 150 ms; with the library's own limits, 8 s.
 */
const LOOKED_AT = 64;
const SUBSTITUTIONS = 30;

/** Words take 20 MB, so they are read when the first password is judged. */
let loading: Promise<ZxcvbnFactory> | null = null;

/** 0 to 4; `known` are words that are easy guesses, such as the name of the user. */
export async function passwordScore(password: string, known: readonly string[]): Promise<number> {
  loading ??= load();
  const judge = await loading;
  return judge.check(
    password,
    known.map((word) => word.slice(0, LOOKED_AT)),
  ).score;
}

async function load(): Promise<ZxcvbnFactory> {
  const [{ ZxcvbnFactory }, common, english] = await Promise.all([
    import('@zxcvbn-ts/core'),
    import('@zxcvbn-ts/language-common'),
    import('@zxcvbn-ts/language-en'),
  ]);
  return new ZxcvbnFactory({
    dictionary: { ...common.dictionary, ...english.dictionary },
    graphs: common.adjacencyGraphs,
    maxLength: LOOKED_AT,
    l33tMaxSubstitutions: SUBSTITUTIONS,
  });
}
