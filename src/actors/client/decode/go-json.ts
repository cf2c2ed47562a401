/**
 * Reading agents' JSON as Go's decoder does: keys match in any case, unknown ones are ignored, `null` leaves the
 * zero value, a wrong type is an error. Spec 01 §5.3. Everything read here is bounded.
 */

/** The payload is not what it should be. */
export class DecodeError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'DecodeError';
  }
}

/** More is cut off: no honest agent has a host name or a tag of this length (characters). */
const LONGEST_TEXT = 4096;
/** Entries of a list or map. More is refused. */
const MOST_ENTRIES = 1000;

/** Parses `payload` as one JSON object, or `null` for an empty one. Throws `DecodeError`. */
export function parseObject(payload: Buffer): GoObject {
  let value: unknown;
  try {
    value = JSON.parse(payload.toString('utf8'));
  } catch {
    throw new DecodeError('not JSON');
  }
  return new GoObject(value);
}

/** One JSON object with the lookup rules of Go. */
export class GoObject {
  /** As parsed, when no key has a capital letter, as those of all agents; a name is then looked up as it is. */
  #plain: Readonly<Record<string, unknown>> | null = null;
  readonly #values: Map<string, unknown> | null = null;

  /** `null` counts as an empty object. Throws `DecodeError` for anything but an object. */
  constructor(value: unknown) {
    if (value === null) return;
    if (typeof value !== 'object' || Array.isArray(value)) throw new DecodeError('not an object');
    const plain = value as Readonly<Record<string, unknown>>;
    const keys = Object.keys(plain);
    if (!keys.some(mayHaveCapital)) {
      this.#plain = plain;
      return;
    }
    const values = new Map<string, unknown>();
    // A second spelling of the same key overwrites the first, but null never does.
    for (const key of keys) if (plain[key] !== null) values.set(key.toLowerCase(), plain[key]);
    this.#values = values;
  }

  /** All values under their keys in lower case. */
  lowered(): Record<string, unknown> {
    const entries = this.#values ?? Object.entries(this.#plain ?? {}).filter(([, value]) => value !== null);
    return Object.fromEntries(entries);
  }

  /** The raw value; `undefined` when absent or null. */
  raw(name: string): unknown {
    const plain = this.#plain;
    // Nearly always spelled as it is asked for.
    if (plain !== null && Object.hasOwn(plain, name)) return plain[name] ?? undefined;
    const key = name.toLowerCase();
    if (this.#values !== null) return this.#values.get(key);
    return plain !== null && Object.hasOwn(plain, key) ? (plain[key] ?? undefined) : undefined;
  }

  /** Empty when absent. Cut to `longest` characters; the default suits names and descriptions. */
  text(name: string, longest: number = LONGEST_TEXT): string {
    const value = this.raw(name);
    return value === undefined ? '' : asText(value, longest);
  }

  textOrNull(name: string): string | null {
    const value = this.raw(name);
    return value === undefined ? null : asText(value);
  }

  flag(name: string): boolean {
    const value = this.raw(name);
    if (value === undefined) return false;
    if (typeof value !== 'boolean') throw new DecodeError(`${name} is not a boolean`);
    return value;
  }

  /** 0 when absent. */
  number(name: string): number {
    const value = this.raw(name);
    if (value === undefined) return 0;
    if (typeof value !== 'number' || !Number.isFinite(value))
      throw new DecodeError(`${name} is not a number`);
    return value;
  }

  /** An integer, brought into 0 … `most`. 0 when absent. */
  count(name: string, most: number = Number.MAX_SAFE_INTEGER): number {
    const value = this.number(name);
    if (!Number.isInteger(value)) throw new DecodeError(`${name} is not an integer`);
    return Math.min(Math.max(value, 0), most);
  }

  /** `null` when absent. */
  texts(name: string): string[] | null {
    return this.list(name)?.map((entry) => (entry === null ? '' : asText(entry))) ?? null;
  }

  /** `null` when absent. */
  textMap(name: string): Record<string, string> | null {
    const value = this.raw(name);
    if (value === undefined) return null;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new DecodeError(`${name} is not an object`);
    }
    const entries = Object.entries(value);
    if (entries.length > MOST_ENTRIES) throw new DecodeError(`${name} has too many entries`);
    // `fromEntries` defines properties, so that a key such as `__proto__` is only a key.
    return Object.fromEntries(
      entries.map(([key, entry]) => [asText(key), entry === null ? '' : asText(entry)]),
    );
  }

  /** `null` when absent. */
  list(name: string, most: number = MOST_ENTRIES): readonly unknown[] | null {
    const value = this.raw(name);
    if (value === undefined) return null;
    if (!Array.isArray(value)) throw new DecodeError(`${name} is not an array`);
    if (value.length > most) throw new DecodeError(`${name} has too many entries`);
    return value;
  }

  /** `null` when absent. */
  object(name: string): GoObject | null {
    const value = this.raw(name);
    return value === undefined ? null : new GoObject(value);
  }
}

/** A loop, because there are a dozen keys in each of thousands of requests a second. */
function mayHaveCapital(key: string): boolean {
  for (let at = 0; at < key.length; at++) {
    const code = key.charCodeAt(at);
    if ((code >= 0x41 && code <= 0x5a) || code > 0x7f) return true;
  }
  return false;
}

/** A string as Go would hold it: what is no Unicode text becomes U+FFFD. */
function asText(value: unknown, longest: number = LONGEST_TEXT): string {
  if (typeof value !== 'string') throw new DecodeError('not a string');
  return (value.length > longest ? value.slice(0, longest) : value).toWellFormed();
}
