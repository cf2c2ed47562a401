import { goQuote } from '../go/quote.js';

/** A decoded query string: pairs in the order received, `+` is a space, names percent-decoded too. */
export interface QueryString {
  /** First value of `name`, or `undefined`. */
  get(name: string): string | undefined;
  readonly pairs: readonly (readonly [name: string, value: string])[];
}

const SEMICOLON = 'invalid semicolon separator in query';
const NO_PAIRS: QueryString = { get: () => undefined, pairs: [] };

class Pairs implements QueryString {
  constructor(readonly pairs: readonly (readonly [string, string])[]) {}

  get(name: string): string | undefined {
    for (const pair of this.pairs) if (pair[0] === name) return pair[1];
    return undefined;
  }
}

/**
 * Decodes a raw query string by the rules of Go's `url.ParseQuery`. `error` is the parser's text for a bad
 * percent escape or an unescaped semicolon; the pairs that could be read come with it. Spec 03 §1.4.
 */
export function parseQuery(raw: string): QueryString & { readonly error?: string } {
  if (raw === '') return NO_PAIRS;
  const pairs: [string, string][] = [];
  let error: string | undefined;
  for (const part of raw.split('&')) {
    if (part.includes(';')) {
      error = SEMICOLON;
      continue;
    }
    if (part === '') continue;
    const equals = part.indexOf('=');
    const name = queryUnescape(equals < 0 ? part : part.slice(0, equals));
    const value = queryUnescape(equals < 0 ? '' : part.slice(equals + 1));
    if (name.bad === undefined && value.bad === undefined) pairs.push([name.text, value.text]);
    else error ??= `invalid URL escape ${goQuote(name.bad ?? value.bad ?? '')}`;
  }
  const query = new Pairs(pairs);
  return error === undefined ? query : Object.assign(query, { error });
}

/**
 * The `error` of `parseQuery` without its pairs: in a fraction of the time, for queries of half a megabyte that
 * nobody is going to use.
 */
export function queryError(raw: string): string | undefined {
  if (raw.includes(';')) return SEMICOLON;
  const bad = BAD_ESCAPE.exec(raw);
  if (bad === null) return undefined;
  const end = raw.indexOf('&', bad.index);
  return parseQuery(raw.slice(raw.lastIndexOf('&', bad.index) + 1, end < 0 ? raw.length : end)).error;
}

export interface Unescaped {
  readonly text: string;
  /** The first escape that is none, at most three characters. */
  readonly bad?: string;
}

function queryUnescape(text: string): Unescaped {
  const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text;
  return percentDecode(spaced);
}

const BAD_ESCAPE = /%(?![0-9a-fA-F]{2})/;
const NOT_ASCII = /%[89a-fA-F]/;

/** Decodes percent escapes as UTF-8; what is not UTF-8 becomes U+FFFD. */
export function percentDecode(text: string): Unescaped {
  if (!text.includes('%')) return { text };
  const bad = BAD_ESCAPE.exec(text);
  if (bad !== null) return { text: '', bad: text.slice(bad.index, bad.index + 3) };
  // Not left to an exception: a query of bytes that are no UTF-8 would cost ten times the time of any other.
  return { text: NOT_ASCII.test(text) ? decodeBytes(text) : decodeURIComponent(text) };
}

function decodeBytes(text: string): string {
  const bytes = text.replace(/%([0-9a-fA-F]{2})|[^%]+/g, (part, hex: string | undefined) =>
    hex === undefined ? Buffer.from(part).toString('latin1') : String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(bytes, 'latin1').toString();
}
