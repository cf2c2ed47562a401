/** Codes by a service of the operator's. */

import { type Channel, causeOf, oneLine } from './channel.js';
import { checkEmail } from './email-address.js';
import { postForm } from './post-form.js';

const LONGEST_AGENT = 512;

/** `baseUrl` is the API's own address, which the service may show. */
export function urlChannel(url: string, baseUrl: string): Channel {
  return {
    method: 'url',

    async send({ receiver, code, ttlSeconds, userAgent, ip }, signal) {
      const fields = {
        email: receiver,
        token: code,
        ttl: String(ttlSeconds),
        user_agent: oneLine(userAgent, LONGEST_AGENT),
        remote_address: ip,
        url: baseUrl,
      };
      let answer: Awaited<ReturnType<typeof postForm>>;
      try {
        answer = await postForm(url, fields, signal);
      } catch (error) {
        throw new Error(causeOf(error));
      }
      if (answer.status < 200 || answer.status > 299) throw new Error(answer.statusLine);
    },

    async checkReceiver(receiver) {
      checkEmail(receiver);
    },

    // There is nothing to ask it without sending something.
    checkReady: () => Promise.resolve(),
  };
}
