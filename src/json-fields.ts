/** Reads typed fields out of foreign JSON: of an agent, or of a row that another version wrote. */

/** Longest text accepted in one field unless the reader is told otherwise, characters. */
const DEFAULT_MAX_TEXT = 8192;

/**
 * One object. Absent and `null` fields give the zero value; a field of another type, or a text above the bound,
 * gives it too and turns `fits` false, so the caller checks once at the end.
 */
export class JsonFields {
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #maxText: number;
  #fits: boolean;

  constructor(value: unknown, maxText = DEFAULT_MAX_TEXT) {
    this.#fits = typeof value === 'object' && value !== null && !Array.isArray(value);
    this.#fields = this.#fits ? (value as Record<string, unknown>) : {};
    this.#maxText = maxText;
  }

  /** Whether everything read so far had the right type. */
  get fits(): boolean {
    return this.#fits;
  }

  /** The value as it is; `undefined` when absent. */
  raw(key: string): unknown {
    return Object.hasOwn(this.#fields, key) ? this.#fields[key] : undefined;
  }

  text(key: string): string {
    return this.#read(key, '', (value) => this.#isText(value));
  }

  textOrNull(key: string): string | null {
    return this.#read(key, null, (value) => this.#isText(value));
  }

  flag(key: string): boolean {
    return this.#read(key, false, (value) => typeof value === 'boolean');
  }

  integer(key: string): number {
    return this.#read(key, 0, (value) => Number.isSafeInteger(value));
  }

  /** Any finite number. */
  number(key: string): number {
    return this.#read(key, 0, (value) => Number.isFinite(value));
  }

  texts(key: string): readonly string[] | null {
    return this.#read(
      key,
      null,
      (value) => Array.isArray(value) && value.every((item) => this.#isText(item)),
    );
  }

  textByName(key: string): Readonly<Record<string, string>> | null {
    return this.#read(
      key,
      null,
      (value) => isPlainObject(value) && Object.values(value).every((item) => this.#isText(item)),
    );
  }

  /** Each item through `read`; one `undefined` spoils the whole. */
  items<Item>(key: string, read: (value: unknown) => Item | undefined): readonly Item[] | null {
    const list = this.#read<readonly unknown[] | null>(key, null, Array.isArray);
    if (list === null) return null;
    const items: Item[] = [];
    for (const value of list) {
      const item = read(value);
      if (item === undefined) this.#fits = false;
      else items.push(item);
    }
    return items;
  }

  /** The object under `key` through `read`; `undefined` from it spoils the whole. */
  object<Inner>(key: string, read: (value: unknown) => Inner | undefined): Inner | null {
    const value = this.#read<object | null>(key, null, isPlainObject);
    if (value === null) return null;
    const inner = read(value);
    if (inner === undefined) this.#fits = false;
    return inner ?? null;
  }

  #read<Value>(key: string, zero: Value, accepts: (value: unknown) => boolean): Value {
    const value = this.raw(key) ?? null;
    if (value === null) return zero;
    if (accepts(value)) return value as Value;
    this.#fits = false;
    return zero;
  }

  #isText(value: unknown): boolean {
    return typeof value === 'string' && value.length <= this.#maxText;
  }
}

const isPlainObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
