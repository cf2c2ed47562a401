/**
 * Reads the first JSON value of a body, as Go's stream decoder does: what follows it is ignored, number
 * literals and duplicate keys are kept for the step that knows the types. Spec 04 §2.3.
 */

/** A parsed value that still knows how it was written. */
export type JsonNode =
  | { readonly kind: 'null' }
  | { readonly kind: 'bool'; readonly value: boolean }
  | { readonly kind: 'number'; readonly literal: string }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'array'; readonly items: readonly JsonNode[] }
  | { readonly kind: 'object'; readonly members: readonly (readonly [key: string, value: JsonNode])[] };

/** The text is no JSON; the message is in the words of Go's parser. */
export class JsonSyntaxError extends Error {}

/** Nesting a caller may use. Go allows 10 000; nothing of ours is deeper than five. */
const MAX_DEPTH = 100;

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: forbidden in JSON strings
const PLAIN_STRING_PART = /[^"\\\x00-\x1f]*/y;
const ESCAPED: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

/** The first value of `text`, or `undefined` when it is empty or white space. Throws `JsonSyntaxError`. */
export function parseFirstJson(text: string): JsonNode | undefined {
  const reader = new Reader(text);
  reader.skipSpace();
  return reader.atEnd ? undefined : reader.value(0, 'looking for beginning of value');
}

/** `text` as one value and nothing else. Throws `JsonSyntaxError`. */
export function parseWholeJson(text: string): JsonNode {
  const reader = new Reader(text);
  reader.skipSpace();
  if (reader.atEnd) throw new JsonSyntaxError('unexpected end of JSON input');
  const value = reader.value(0, 'looking for beginning of value');
  reader.expectEnd();
  return value;
}

class Reader {
  #at = 0;

  constructor(private readonly text: string) {}

  get atEnd(): boolean {
    return this.#at >= this.text.length;
  }

  skipSpace(): void {
    for (;;) {
      const code = this.text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.#at += 1;
    }
  }

  expectEnd(): void {
    this.skipSpace();
    if (!this.atEnd) throw this.#unexpected('after top-level value');
  }

  value(depth: number, looking: string): JsonNode {
    if (depth > MAX_DEPTH) throw new JsonSyntaxError('exceeded max depth');
    switch (this.text[this.#at]) {
      case '{':
        return this.#object(depth);
      case '[':
        return this.#array(depth);
      case '"':
        return { kind: 'string', value: this.#string() };
      case 't':
        return this.#word('true', { kind: 'bool', value: true });
      case 'f':
        return this.#word('false', { kind: 'bool', value: false });
      case 'n':
        return this.#word('null', { kind: 'null' });
      default:
        return this.#number(looking);
    }
  }

  #object(depth: number): JsonNode {
    const members: [string, JsonNode][] = [];
    this.#at += 1;
    this.skipSpace();
    if (this.#take('}')) return { kind: 'object', members };
    for (;;) {
      if (this.text[this.#at] !== '"') throw this.#unexpected('looking for beginning of object key string');
      const key = this.#string();
      this.skipSpace();
      if (!this.#take(':')) throw this.#unexpected('after object key');
      this.skipSpace();
      members.push([key, this.value(depth + 1, 'looking for beginning of value')]);
      this.skipSpace();
      if (this.#take('}')) return { kind: 'object', members };
      if (!this.#take(',')) throw this.#unexpected('after object key:value pair');
      this.skipSpace();
    }
  }

  #array(depth: number): JsonNode {
    const items: JsonNode[] = [];
    this.#at += 1;
    this.skipSpace();
    if (this.#take(']')) return { kind: 'array', items };
    for (;;) {
      items.push(this.value(depth + 1, 'looking for beginning of value'));
      this.skipSpace();
      if (this.#take(']')) return { kind: 'array', items };
      if (!this.#take(',')) throw this.#unexpected('after array element');
      this.skipSpace();
    }
  }

  #string(): string {
    this.#at += 1;
    let value = '';
    for (;;) {
      PLAIN_STRING_PART.lastIndex = this.#at;
      const part = PLAIN_STRING_PART.exec(this.text)?.[0] ?? '';
      value += part;
      this.#at += part.length;
      if (this.#take('"')) return value.toWellFormed();
      if (!this.#take('\\')) throw this.#unexpected('in string literal');
      value += this.#escape();
    }
  }

  #escape(): string {
    const character = this.text[this.#at] ?? '';
    const simple = ESCAPED[character];
    if (simple !== undefined) {
      this.#at += 1;
      return simple;
    }
    if (character !== 'u') throw this.#unexpected('in string escape code');
    this.#at += 1;
    let code = 0;
    for (let digit = 0; digit < 4; digit += 1) {
      const value = Number.parseInt(this.text[this.#at] ?? '', 16);
      if (Number.isNaN(value)) throw this.#unexpected('in \\u hexadecimal character escape');
      code = code * 16 + value;
      this.#at += 1;
    }
    return String.fromCharCode(code);
  }

  #number(looking: string): JsonNode {
    NUMBER.lastIndex = this.#at;
    const literal = NUMBER.exec(this.text)?.[0];
    if (literal === undefined) {
      if (this.#take('-')) throw this.#unexpected('in numeric literal');
      throw this.#unexpected(looking);
    }
    this.#at += literal.length;
    const next = this.text[this.#at];
    if (next === '.' && !/[.eE]/.test(literal)) {
      this.#at += 1;
      throw this.#unexpected('after decimal point in numeric literal');
    }
    return { kind: 'number', literal };
  }

  #word(word: string, node: JsonNode): JsonNode {
    for (let index = 0; index < word.length; index += 1) {
      if (this.text[this.#at] !== word[index]) {
        throw this.#unexpected(`in literal ${word} (expecting '${word[index]}')`);
      }
      this.#at += 1;
    }
    return node;
  }

  #take(character: string): boolean {
    if (this.text[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }

  #unexpected(where: string): JsonSyntaxError {
    if (this.atEnd) return new JsonSyntaxError('unexpected EOF');
    return new JsonSyntaxError(`invalid character ${quoteRune(this.text, this.#at)} ${where}`);
  }
}

/** One character in single quotes, control characters escaped, as Go's parser shows it. */
function quoteRune(text: string, at: number): string {
  const rune = String.fromCodePoint(text.codePointAt(at) ?? 0);
  if (rune === "'") return "'\\''";
  if (rune === '"') return `'"'`;
  const escaped = JSON.stringify(rune).slice(1, -1);
  return `'${escaped}'`;
}
