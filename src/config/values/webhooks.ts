/** `[[webhooks]]`: where events are posted to. The one array of tables in the configuration. */

import { createHash } from 'node:crypto';
import { eventTypes, matchingTypes } from '../../events/event-types.js';
import type { Milliseconds } from '../../time.js';
import { reasonOf } from '../config-error.js';
import { type RawValue, toDuration, toExtendedDuration, toList, toText } from './coerce.js';

export interface WebhookConfig {
  /** Names its rows in the store: the configured name, or a digest of the address. */
  readonly id: string;
  /** As configured; empty without. */
  readonly name: string;
  /** May hold credentials: never logged, never shown. */
  readonly url: string;
  /** Types wanted, patterns resolved. */
  readonly events: readonly string[];
  readonly secret: string;
  /** Sent besides ours. */
  readonly headers: Readonly<Record<string, string>>;
  /** For one attempt. */
  readonly timeout: Milliseconds;
  /** What has waited longer is given up. */
  readonly maxAge: Milliseconds;
  /** Before the first repetition; doubles with each. */
  readonly retryDelay: Milliseconds;
}

const keys = ['name', 'url', 'events', 'secret', 'headers', 'timeout', 'max_age', 'retry_delay'];
const SECOND = 1_000;
const DAY = 86_400 * SECOND;
const LONGEST_TIMEOUT = 60 * SECOND;
/** Each costs main a little with every event, and a row in the store. */
const MOST = 20;
const SHORTEST_SECRET = 8;
const NAME = /^[A-Za-z0-9_.-]{1,64}$/;
/** Of the request itself; what is signed must not be replaced. */
const OWN_HEADER =
  /^(?:content-(?:type|length)|transfer-encoding|connection|keep-alive|host|expect|upgrade|x-tideway-.*)$/i;

/** @throws Error saying which entry is wrong, and why */
export function toWebhooks(value: RawValue): readonly WebhookConfig[] {
  if (!Array.isArray(value)) throw new Error('write each of them as a table [[webhooks]]');
  if (value.length > MOST) throw new Error(`at most ${MOST} are possible, got ${value.length}`);
  const webhooks = value.map((entry, index) => {
    try {
      return toWebhook(entry);
    } catch (thrown) {
      throw new Error(`number ${index + 1}: ${reasonOf(thrown)}`);
    }
  });
  webhooks.forEach(({ id, name }, index) => {
    if (webhooks.findIndex((other) => other.id === id) !== index)
      throw new Error(
        name === ''
          ? `number ${index + 1}: the same url is there already; give each a 'name' of its own`
          : `number ${index + 1}: the name ${JSON.stringify(name)} is taken`,
      );
  });
  return webhooks;
}

/** `webhooks.<key>` of keys nobody reads. */
export function unknownWebhookKeys(value: RawValue): readonly string[] {
  if (!Array.isArray(value)) return [];
  const names = value.filter(isTable).flatMap((entry) => Object.keys(entry).map((key) => key.toLowerCase()));
  return [...new Set(names)].filter((name) => !keys.includes(name)).map((name) => `webhooks.${name}`);
}

function toWebhook(entry: unknown): WebhookConfig {
  if (!isTable(entry)) throw new Error('write it as a table [[webhooks]]');
  const given = new Map(Object.entries(entry).map(([key, value]) => [key.toLowerCase(), value]));
  const read = <T>(key: string, as: (raw: RawValue) => T, fallback: T): T => {
    try {
      return given.has(key) ? as(given.get(key)) : fallback;
    } catch (thrown) {
      throw new Error(`'${key}': ${reasonOf(thrown)}`);
    }
  };
  const name = read('name', toText, '');
  if (name !== '' && !NAME.test(name)) throw new Error("'name' must have 1 to 64 of A-Za-z0-9_.-");
  const url = checkedUrl(read('url', toText, ''));
  const secret = read('secret', toText, '');
  if (secret.length < SHORTEST_SECRET)
    throw new Error(
      `'secret' must have at least ${SHORTEST_SECRET} characters: receivers check signatures with it`,
    );
  const timeout = read('timeout', toDuration, 10 * SECOND);
  if (timeout < 1 || timeout > LONGEST_TIMEOUT) throw new Error("'timeout' must be between 1ms and 1m");
  const maxAge = read('max_age', toExtendedDuration, DAY);
  if (maxAge < 1 || maxAge > 30 * DAY) throw new Error("'max_age' must be between 1ms and 30d");
  const retryDelay = read('retry_delay', toDuration, SECOND);
  if (retryDelay < 1 || retryDelay > LONGEST_TIMEOUT)
    throw new Error("'retry_delay' must be between 1ms and 1m");
  return {
    id: name === '' ? `url-${createHash('sha256').update(url).digest('hex').slice(0, 16)}` : name,
    name,
    url,
    events: read('events', toTypes, eventTypes),
    secret,
    headers: read('headers', toHeaders, {}),
    timeout,
    maxAge,
    retryDelay,
  };
}

/** The text itself is left out of the error: it may hold credentials. */
function checkedUrl(text: string): string {
  if (text === '') throw new Error("'url' is required");
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:'))
    throw new Error("'url' must be an http:// or https:// address");
  return text;
}

function toTypes(raw: RawValue): readonly string[] {
  const wanted = new Set<string>();
  for (const pattern of toList(raw)) {
    const found = matchingTypes(pattern);
    if (found.length === 0)
      throw new Error(`no event is called ${JSON.stringify(pattern)}; there are ${eventTypes.join(', ')}`);
    for (const type of found) wanted.add(type);
  }
  if (wanted.size === 0) throw new Error('an empty list would never send anything');
  return eventTypes.filter((type) => wanted.has(type));
}

function toHeaders(raw: RawValue): Readonly<Record<string, string>> {
  if (!isTable(raw)) throw new Error('expected a table of names and texts');
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(raw)) {
    if (OWN_HEADER.test(name)) throw new Error(`${JSON.stringify(name)} cannot be set`);
    try {
      new Headers([[name, toText(value)]]);
    } catch {
      throw new Error(`${JSON.stringify(name)} or its value cannot be sent`);
    }
    headers[name] = toText(value);
  }
  return headers;
}

const isTable = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
