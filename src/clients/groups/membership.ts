/**
 * Which groups a client is in, as a set of the groups' numbers. Clients in the same groups share one object: ten
 * thousand clients in hundreds of groups cost some KiB, and what depends on the set alone is worked out once.
 */

const BITS = 16;

export class Membership {
  /** 16 groups a character, without empty ones at the end. */
  readonly bits: string;
  /** Clients that have it. */
  clients = 0;
  #ids: readonly string[] | undefined;
  readonly #idsOf: (numbers: readonly number[]) => readonly string[];

  constructor(bits: string, idsOf: (numbers: readonly number[]) => readonly string[]) {
    this.bits = bits;
    this.#idsOf = idsOf;
  }

  has(group: number): boolean {
    // Beyond the end there is NaN, which has no bits.
    return ((this.bits.charCodeAt(Math.floor(group / BITS)) >> (group % BITS)) & 1) === 1;
  }

  /** Ascending. */
  numbers(): number[] {
    const numbers: number[] = [];
    for (let index = 0; index < this.bits.length; index++) {
      // Takes the lowest bit that is left, until none is.
      for (let word = this.bits.charCodeAt(index); word !== 0; word &= word - 1) {
        numbers.push(index * BITS + 31 - Math.clz32(word & -word));
      }
    }
    return numbers;
  }

  /** Ids of the groups, ordered without regard to case. */
  get ids(): readonly string[] {
    this.#ids ??= this.#idsOf(this.numbers());
    return this.#ids;
  }

  /** Whether it has a group of this set. */
  meets(groups: GroupSet): boolean {
    const { words } = groups;
    const length = Math.min(words.length, this.bits.length);
    for (let index = 0; index < length; index++) {
      if (((words[index] ?? 0) & this.bits.charCodeAt(index)) !== 0) return true;
    }
    return false;
  }
}

/** A set of groups that can be changed. */
export class GroupSet {
  /** Without empty ones at the end. */
  readonly words: number[];

  constructor(bits = '') {
    this.words = Array.from({ length: bits.length }, (_, index) => bits.charCodeAt(index));
  }

  add(group: number): void {
    const index = Math.floor(group / BITS);
    while (this.words.length <= index) this.words.push(0);
    this.words[index] = (this.words[index] ?? 0) | (1 << (group % BITS));
  }

  delete(group: number): void {
    const index = Math.floor(group / BITS);
    const word = this.words[index];
    if (word === undefined) return;
    this.words[index] = word & ~(1 << (group % BITS));
    this.#trim();
  }

  copy(): GroupSet {
    const copy = new GroupSet();
    for (const word of this.words) copy.words.push(word);
    return copy;
  }

  /** Keeps the groups that the other set has, too. */
  intersect({ words }: GroupSet): void {
    this.words.length = Math.min(this.words.length, words.length);
    for (let index = 0; index < this.words.length; index++) {
      this.words[index] = (this.words[index] ?? 0) & (words[index] ?? 0);
    }
    this.#trim();
  }

  /** Whether they have a group in common. */
  meets({ words }: GroupSet): boolean {
    const length = Math.min(this.words.length, words.length);
    for (let index = 0; index < length; index++) {
      if (((this.words[index] ?? 0) & (words[index] ?? 0)) !== 0) return true;
    }
    return false;
  }

  /** Takes all groups of the other set out. */
  subtract(other: GroupSet): void {
    const length = Math.min(this.words.length, other.words.length);
    for (let index = 0; index < length; index++) {
      this.words[index] = (this.words[index] ?? 0) & ~(other.words[index] ?? 0);
    }
    this.#trim();
  }

  get empty(): boolean {
    return this.words.length === 0;
  }

  toBits(): string {
    let bits = '';
    for (const word of this.words) bits += String.fromCharCode(word);
    return bits;
  }

  #trim(): void {
    while (this.words.at(-1) === 0) this.words.pop();
  }
}

/** The memberships there are. */
export class Memberships {
  readonly #kept = new Map<string, Membership>();
  readonly #idsOf: (numbers: readonly number[]) => readonly string[];

  /** `idsOf` names groups by their numbers, in the order they are shown. */
  constructor(idsOf: (numbers: readonly number[]) => readonly string[]) {
    this.#idsOf = idsOf;
  }

  /** For one more client; give it back with `release`. */
  take(bits: string): Membership {
    let membership = this.#kept.get(bits);
    if (membership === undefined) {
      membership = new Membership(bits, this.#idsOf);
      this.#kept.set(bits, membership);
    }
    membership.clients++;
    return membership;
  }

  release(membership: Membership): void {
    membership.clients--;
    if (membership.clients === 0) this.#kept.delete(membership.bits);
  }

  get size(): number {
    return this.#kept.size;
  }
}
