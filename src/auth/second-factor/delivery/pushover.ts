/** Codes by pushover.net. */

import type { PushoverConfig } from '../../../config/types.js';
import { AppError } from '../../../errors.js';
import type { Clock } from '../../../time.js';
import type { CodeMessage } from '../second-factor.js';
import { type Channel, causeOf, oneLine, TITLE } from './channel.js';
import { type FormAnswer, postForm } from './post-form.js';

export const PUSHOVER_URL = 'https://api.pushover.net';
/** The service takes 1024 characters, and escaping makes five of some. */
const LONGEST_AGENT = 150;
const KEY = /^[A-Za-z0-9]{30}$/;

export interface PushoverOptions {
  readonly pushover: PushoverConfig;
  readonly clock: Clock;
  /** Default: `PUSHOVER_URL`. */
  readonly baseUrl?: string | undefined;
}

export function pushoverChannel({ pushover, clock, baseUrl = PUSHOVER_URL }: PushoverOptions): Channel {
  const token = pushover.apiToken;

  const ask = async (
    path: string,
    fields: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<FormAnswer> => {
    try {
      return await postForm(`${baseUrl}/1/${path}`, fields, signal);
    } catch (error) {
      throw new Error(causeOf(error));
    }
  };

  const checkUser = async (user: string, signal: AbortSignal): Promise<void> => {
    const problem = keyProblem(token, user);
    if (problem !== null) throw new Error(`failed to validate pushover user key: ${problem}`);
    let answer: FormAnswer;
    try {
      answer = await ask('users/validate.json', { token, user }, signal);
    } catch (error) {
      throw new Error(`failed to validate pushover user key: ${causeOf(error)}`);
    }
    const refusal = refusalIn(answer);
    if (refusal !== null) throw new Error(`failed to validate pushover user key: ${refusal}`);
  };

  return {
    method: 'pushover',

    async send(message, signal) {
      const user = message.receiver;
      const problem = keyProblem(token, user);
      if (problem !== null) throw new AppError('bad_request', { title: problem });
      const fields = {
        token,
        user,
        message: messageText(message),
        title: TITLE,
        html: '1',
        priority: '0',
        timestamp: String(Math.floor(clock.now() / 1000)),
      };
      const answer = await ask('messages.json', fields, signal);
      if (answer.status >= 500) throw new AppError('overloaded', { title: 'pushover service unavailable' });
      const refusal = refusalIn(answer);
      if (refusal === null) return;
      if (answer.status >= 400) throw new AppError('bad_request', { title: refusal });
      throw new Error(`failed to send msg, pushover response: ${refusal}`);
    },

    async checkReceiver(receiver, signal) {
      if (receiver === '') throw new Error('pushover user key cannot be empty');
      await checkUser(receiver, signal);
    },

    async checkReady(signal) {
      try {
        await checkUser(pushover.userKey, signal);
      } catch (error) {
        throw new Error(`invalid pushover.api_token and pushover.user_key: ${causeOf(error)}`);
      }
    },
  };
}

/** What the service would refuse anyway. */
function keyProblem(token: string, user: string): string | null {
  if (!KEY.test(token)) return 'pushover: invalid API token';
  if (user === '') return 'pushover: empty recipient token';
  return KEY.test(user) ? null : 'pushover: invalid recipient token';
}

/** `null` when the service has done what it was asked. */
function refusalIn({ status, statusLine, text }: FormAnswer): string | null {
  let body: { readonly status?: unknown; readonly errors?: unknown } = {};
  try {
    body = Object(JSON.parse(text)) as typeof body;
  } catch {
    return statusLine;
  }
  if (status >= 200 && status <= 299 && body.status === 1) return null;
  const errors = Array.isArray(body.errors) ? body.errors.filter((one) => typeof one === 'string') : [];
  return errors.length === 0 ? statusLine : oneLine(errors.join('; '), 200);
}

const messageText = ({ code, ip, userAgent, ttlSeconds }: CodeMessage): string =>
  [
    `Your two-factor token: <b>${code}</b>`,
    `requested from ${escaped(ip)}`,
    `<i>with ${escaped(oneLine(userAgent, LONGEST_AGENT))}</i>`,
    `<i>valid for ${ttlSeconds} seconds</i>.`,
  ].join('\n');

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escaped = (text: string): string => text.replace(/[&<>"]/g, (character) => entities[character] ?? '');
