/** Takes the secrets out of an agent's configuration before it is stored or shown. Spec 01 §6.4, 03 §4.1. */

import { jsonText } from '../go/json-text.js';

/** Characters of the result. A full configuration with long lists has some KiB; this is stored for every client. */
export const MAX_CONFIGURATION_LENGTH = 128 * 1024;
/** Agents nest five levels deep. */
const MAX_DEPTH = 32;

/** Keys whose text is a secret wherever it stands, in the letter case of the agent or any other. */
const SECRET_KEYS =
  /^(auth|auth_pass|auth_password|pass|password|passwd|secret|token|api_?key|private_?key)$/i;
/** Keys whose text is a URL and may carry a user and a password. */
const URL_KEYS = /^(server|fallback_servers|proxy|ip_api_url|opaque)$/i;
/** HTTP headers whose value lets its owner in somewhere. */
const SECRET_HEADER = /auth|token|secret|passw|credential|cookie|session|signature|jwt|bearer|key/i;
const SECRET_HEADER_VALUE = /^\s*(basic|bearer|digest|negotiate|ntlm|token)\s/i;

/**
 * `configuration` is the parsed `ClientConfiguration` of an agent. Returns it as JSON text with every key kept and
 * the secrets blank: passwords, users and passwords in URLs, authorization-like HTTP headers. `null` when it is
 * not an object, is nested deeper than 32 levels or longer than 128 Ki characters.
 */
export function redactConfiguration(configuration: unknown): string | null {
  if (typeof configuration !== 'object' || configuration === null || Array.isArray(configuration))
    return null;
  const writer = new Writer();
  writer.object(configuration, 0);
  return writer.result();
}

/** Writes JSON text directly: copying into an object would let a key named `__proto__` have its way. */
class Writer {
  #parts: string[] = [];
  #length = 0;
  #tooMuch = false;

  result(): string | null {
    return this.#tooMuch ? null : this.#parts.join('');
  }

  object(source: object, depth: number): void {
    this.#members(source, depth, (key, value) => this.#member(key, value, depth + 1));
  }

  #member(key: string, value: unknown, depth: number): void {
    if (/^headers$/i.test(key)) this.#each(value, depth, redactHeaderLine);
    else if (/^http_headers$/i.test(key) && isObject(value)) this.#httpHeaders(value, depth);
    else if (/^user$/i.test(key) && isObject(value)) this.#write('{}');
    else if (SECRET_KEYS.test(key)) this.#each(value, depth, () => '');
    else if (URL_KEYS.test(key)) this.#each(value, depth, withoutUserinfo);
    else this.#value(value, depth);
  }

  #value(value: unknown, depth: number): void {
    if (Array.isArray(value)) this.#list(value, depth, (item) => this.#value(item, depth + 1));
    else if (isObject(value)) this.object(value, depth);
    else this.#write(jsonText(value));
  }

  /** A text, or the texts of a list, through `change`; anything else as usual. */
  #each(value: unknown, depth: number, change: (text: string) => string): void {
    if (typeof value === 'string') this.#write(jsonText(change(value)));
    else if (Array.isArray(value)) this.#list(value, depth, (item) => this.#each(item, depth + 1, change));
    else this.#value(value, depth);
  }

  #httpHeaders(headers: object, depth: number): void {
    this.#members(headers, depth, (name, values) => {
      const change = (text: string): string => (isSecretHeader(name, text) ? '' : text);
      this.#each(values, depth + 1, change);
    });
  }

  #members(source: object, depth: number, member: (key: string, value: unknown) => void): void {
    if (depth > MAX_DEPTH) this.#tooMuch = true;
    if (this.#tooMuch) return;
    let separator = '{';
    for (const [key, value] of Object.entries(source)) {
      this.#write(`${separator}${jsonText(key)}:`);
      member(key, value);
      separator = ',';
      if (this.#tooMuch) return;
    }
    this.#write(separator === '{' ? '{}' : '}');
  }

  #list(items: readonly unknown[], depth: number, write: (item: unknown) => void): void {
    if (depth > MAX_DEPTH) this.#tooMuch = true;
    if (this.#tooMuch) return;
    let separator = '[';
    for (const item of items) {
      this.#write(separator);
      write(item);
      separator = ',';
      if (this.#tooMuch) return;
    }
    this.#write(separator === '[' ? '[]' : ']');
  }

  #write(text: string): void {
    this.#length += text.length;
    if (this.#length > MAX_CONFIGURATION_LENGTH) this.#tooMuch = true;
    else this.#parts.push(text);
  }
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** An entry of `headers`: `Name: value`. */
function redactHeaderLine(line: string): string {
  const colon = line.indexOf(':');
  if (colon < 0) return SECRET_HEADER_VALUE.test(line) ? '' : line;
  return isSecretHeader(line.slice(0, colon), line.slice(colon + 1)) ? `${line.slice(0, colon)}: ` : line;
}

const isSecretHeader = (name: string, value: string): boolean =>
  SECRET_HEADER.test(name) || SECRET_HEADER_VALUE.test(value);

const SCHEME = /^[a-z][a-z0-9+.-]*:\/\//i;

/** Up to the last `@`, because a password that was never escaped may contain every other separator. */
function withoutUserinfo(url: string): string {
  const at = url.lastIndexOf('@');
  return at < 0 ? url : (SCHEME.exec(url)?.[0] ?? '') + url.slice(at + 1);
}
