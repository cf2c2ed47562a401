/**
 * All client groups of one thread, and which of them a client is in. A change of a client compares it with every
 * pattern there is once, however many groups have it, a change of a group looks at every client once. Spec 03 §7.4.
 */

import type { ClientRecord } from '../record.js';
import { ClientValues, sameToGroups } from './client-values.js';
import { type CompiledGroup, type Condition, compileGroup } from './compile-group.js';
import { type ClientGroup, groupParamNames } from './group.js';
import { GroupSet, type Membership, Memberships } from './membership.js';
import { ParamConditions } from './param-conditions.js';

interface Numbered extends CompiledGroup {
  readonly number: number;
}

/** A client as the index knows it. */
export interface GroupedClient {
  readonly record: ClientRecord;
  readonly membership: Membership;
}

export class GroupIndex {
  readonly #groups = new Map<string, Numbered>();
  /** By number; those of removed groups are given out again. */
  readonly #byNumber: (Numbered | undefined)[] = [];
  readonly #free: number[] = [];
  /** Groups that can have members: those with conditions. */
  readonly #asking = new GroupSet();
  /** The conditions, by `keyOf`. */
  readonly #conditions = new Map<number, ParamConditions>();
  /** Groups that let members of a user group in. */
  readonly #granting = new Map<string, GroupSet>();
  readonly #memberships = new Memberships((numbers) => this.#idsOf(numbers));

  get(id: string): ClientGroup | undefined {
    return this.#groups.get(id)?.group;
  }

  numberOf(id: string): number | undefined {
    return this.#groups.get(id)?.number;
  }

  all(): ClientGroup[] {
    return Array.from(this.#groups.values(), ({ group }) => group);
  }

  /** Adds or replaces a group. Every client must be given to the function it returns, for its new membership. */
  put(group: ClientGroup): (client: GroupedClient) => Membership {
    const previous = this.#groups.get(group.id);
    if (previous !== undefined) this.#forget(previous);
    const number = previous?.number ?? this.#free.pop() ?? this.#byNumber.length;
    const numbered: Numbered = { ...compileGroup(group), number };
    this.#groups.set(group.id, numbered);
    this.#byNumber[number] = numbered;
    for (const condition of numbered.conditions) {
      this.#asking.add(number);
      const key = keyOf(condition);
      const conditions = this.#conditions.get(key) ?? new ParamConditions(condition.param);
      this.#conditions.set(key, conditions);
      conditions.add(number, condition);
    }
    for (const name of group.allowedUserGroups ?? []) {
      const granting = this.#granting.get(name) ?? new GroupSet();
      granting.add(number);
      this.#granting.set(name, granting);
    }
    return (client) =>
      this.#changed(client.membership, number, numbered.matches(new ClientValues(client.record)));
  }

  /** Like `put`; `undefined` when there is no such group. */
  remove(id: string): ((client: GroupedClient) => Membership) | undefined {
    const group = this.#groups.get(id);
    if (group === undefined) return undefined;
    this.#forget(group);
    this.#groups.delete(id);
    this.#byNumber[group.number] = undefined;
    this.#free.push(group.number);
    return (client) => this.#changed(client.membership, group.number, false);
  }

  /** The membership of a new or changed client; the one before has to be released. */
  assess(record: ClientRecord, previous: GroupedClient | undefined): Membership {
    if (previous !== undefined && sameToGroups(previous.record, record)) {
      return this.#memberships.take(previous.membership.bits);
    }
    const values = new ClientValues(record);
    const groups = this.#asking.copy();
    for (const conditions of this.#conditions.values()) {
      if (groups.empty) break;
      conditions.narrow(groups, values.of(conditions.param));
    }
    return this.#memberships.take(groups.toBits());
  }

  /** The client has left, or has another membership. */
  release(membership: Membership): void {
    this.#memberships.release(membership);
  }

  /** Whether groups let somebody in who belongs to these user groups, for one membership after another. */
  accessOf(userGroups: readonly string[]): (membership: Membership) => boolean {
    const granting = userGroups.flatMap((name) => this.#granting.get(name) ?? []);
    if (granting.length === 0) return () => false;
    return (membership) => granting.some((groups) => membership.meets(groups));
  }

  /** Distinct sets of groups that clients are in. */
  get membershipCount(): number {
    return this.#memberships.size;
  }

  #changed(membership: Membership, number: number, member: boolean): Membership {
    if (membership.has(number) === member) return membership;
    const groups = new GroupSet(membership.bits);
    if (member) groups.add(number);
    else groups.delete(number);
    const next = this.#memberships.take(groups.toBits());
    this.#memberships.release(membership);
    return next;
  }

  #forget(group: Numbered): void {
    this.#asking.delete(group.number);
    for (const condition of group.conditions) {
      const key = keyOf(condition);
      const conditions = this.#conditions.get(key);
      conditions?.remove(group.number, condition);
      if (conditions?.empty) this.#conditions.delete(key);
    }
    for (const name of group.group.allowedUserGroups ?? []) {
      const granting = this.#granting.get(name);
      granting?.delete(group.number);
      if (granting?.empty) this.#granting.delete(name);
    }
  }

  #idsOf(numbers: readonly number[]): readonly string[] {
    const ids = numbers.flatMap((number) => this.#byNumber[number]?.group.id ?? []);
    return ids.sort(
      (one, other) => compareTexts(one.toLowerCase(), other.toLowerCase()) || compareTexts(one, other),
    );
  }
}

/** A group has one condition of a key at most. */
const keyOf = ({ param, place }: Condition): number => place * groupParamNames.length + param;

const compareTexts = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);
