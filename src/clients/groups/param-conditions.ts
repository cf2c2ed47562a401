/**
 * The conditions of all groups on one parameter, each pattern once: a client is compared with the patterns there are,
 * not with the groups. Spec 03 §7.4.
 */

import { compileGlob, type Matcher } from '../../query/wildcard.js';
import { type Condition, hasWildcard } from './compile-group.js';
import { GroupSet } from './membership.js';

/** A pattern, and the groups that are satisfied with it. */
interface Wildcard {
  readonly matches: Matcher;
  readonly groups: GroupSet;
}

/** At most one condition of a group; its further ones on the same parameter are in another object. */
export class ParamConditions {
  readonly param: number;
  /** Groups that have a condition here. */
  readonly #asking = new GroupSet();
  readonly #byValue = new Map<string, GroupSet>();
  readonly #wildcards = new Map<string, Wildcard>();
  /** Groups that want no value at all. */
  readonly #wantingNone = new GroupSet();

  constructor(param: number) {
    this.param = param;
  }

  add(group: number, { patterns }: Condition): void {
    this.#asking.add(group);
    if (patterns.length === 0) this.#wantingNone.add(group);
    for (const pattern of patterns) this.#satisfiedBy(pattern).add(group);
  }

  remove(group: number, { patterns }: Condition): void {
    this.#asking.delete(group);
    this.#wantingNone.delete(group);
    for (const pattern of patterns) {
      const groups = this.#satisfiedBy(pattern);
      groups.delete(group);
      if (!groups.empty) continue;
      this.#byValue.delete(pattern);
      this.#wildcards.delete(pattern);
    }
  }

  get empty(): boolean {
    return this.#asking.empty;
  }

  /** Takes the groups out of a set whose condition a client with these values, in lower case, does not meet. */
  narrow(groups: GroupSet, values: readonly string[]): void {
    const unmet = groups.copy();
    unmet.intersect(this.#asking);
    if (values.length === 0) unmet.subtract(this.#wantingNone);
    for (const value of values) {
      if (unmet.empty) return;
      const satisfied = this.#byValue.get(value);
      if (satisfied !== undefined) unmet.subtract(satisfied);
      for (const wildcard of this.#wildcards.values()) {
        // A client may have thousands of values, most of which decide nothing any more.
        if (unmet.meets(wildcard.groups) && wildcard.matches(value)) unmet.subtract(wildcard.groups);
      }
    }
    groups.subtract(unmet);
  }

  #satisfiedBy(pattern: string): GroupSet {
    const known = hasWildcard(pattern) ? this.#wildcards.get(pattern)?.groups : this.#byValue.get(pattern);
    if (known !== undefined) return known;
    const groups = new GroupSet();
    if (hasWildcard(pattern)) this.#wildcards.set(pattern, { matches: compileGlob(pattern), groups });
    else this.#byValue.set(pattern, groups);
    return groups;
  }
}
