/**
 * All client groups of one thread, and which of them a client is in. A change of a client looks at the groups that
 * its values lead to and at those that can only be tried, a change of a group at every client once. Spec 03 §7.4.
 */

import type { ClientRecord } from '../record.js';
import { allParams, ClientValues, changedParams } from './client-values.js';
import { type CompiledGroup, compileGroup } from './compile-group.js';
import type { ClientGroup } from './group.js';
import { GroupSet, type Membership, Memberships } from './membership.js';

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
  /** Groups whose members have a certain value, by parameter and value. */
  readonly #anchored = new Map<number, Map<string, Set<Numbered>>>();
  /** The other groups that can have members. */
  readonly #tried = new Set<Numbered>();
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
    for (const places of this.#placesOf(numbered)) places.add(numbered);
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
    const before = previous?.membership;
    const changed = previous === undefined ? allParams : changedParams(previous.record, record);
    if (changed === 0 && before !== undefined) return this.#memberships.take(before.bits);
    const values = new ClientValues(record);
    const groups = new GroupSet();
    const consider = (group: Numbered): void => {
      const affected = before === undefined || (group.uses & changed) !== 0;
      if (affected ? group.matches(values) : before.has(group.number)) groups.add(group.number);
    };
    for (const [param, byValue] of this.#anchored) {
      for (const value of values.of(param)) byValue.get(value)?.forEach(consider);
    }
    this.#tried.forEach(consider);
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
    for (const places of this.#placesOf(group)) places.delete(group);
    this.#dropEmptyPlaces(group);
    for (const name of group.group.allowedUserGroups ?? []) {
      const granting = this.#granting.get(name);
      granting?.delete(group.number);
      if (granting?.empty) this.#granting.delete(name);
    }
  }

  /** Where the group is found from a client. */
  #placesOf({ anchor, uses }: Numbered): Set<Numbered>[] {
    if (uses === 0) return [];
    if (anchor === null) return [this.#tried];
    const byValue = this.#anchored.get(anchor.param) ?? new Map<string, Set<Numbered>>();
    this.#anchored.set(anchor.param, byValue);
    return Array.from(anchor.values, (value) => {
      const groups = byValue.get(value) ?? new Set();
      byValue.set(value, groups);
      return groups;
    });
  }

  #dropEmptyPlaces({ anchor }: Numbered): void {
    const byValue = anchor === null ? undefined : this.#anchored.get(anchor.param);
    if (anchor === null || byValue === undefined) return;
    for (const value of anchor.values) if (byValue.get(value)?.size === 0) byValue.delete(value);
    if (byValue.size === 0) this.#anchored.delete(anchor.param);
  }

  #idsOf(numbers: readonly number[]): readonly string[] {
    const ids = numbers.flatMap((number) => this.#byNumber[number]?.group.id ?? []);
    return ids.sort(
      (one, other) => compareTexts(one.toLowerCase(), other.toLowerCase()) || compareTexts(one, other),
    );
  }
}

const compareTexts = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);
