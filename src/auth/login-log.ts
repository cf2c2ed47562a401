/** Lines about logins: who and from where, never with what. */

import { goQuote } from '../go/quote.js';
import type { Logger } from '../logging/logger.js';

/** Most of a name anybody may make up that a line carries, characters. */
const LONGEST_NAME = 100;

export interface LoginLog {
  loggedIn(username: string, ip: string): void;
  /** The first step was right. */
  awaitsSecondStep(username: string, ip: string): void;
  /** Only what is counted: what the guard refuses unheard would flood the log. */
  failed(username: string, ip: string): void;
  loggedOut(username: string, ip: string): void;
}

export function createLoginLog(log: Logger): LoginLog {
  const who = (username: string, ip: string): string =>
    `${goQuote(username.slice(0, LONGEST_NAME))} from ${ip.slice(0, LONGEST_NAME)}`;
  return {
    loggedIn: (username, ip) => log.info(`login of ${who(username, ip)}`),
    awaitsSecondStep: (username, ip) => log.info(`login of ${who(username, ip)} waits for its second step`),
    failed: (username, ip) => log.info(`failed login of ${who(username, ip)}`),
    loggedOut: (username, ip) => log.info(`logout of ${who(username, ip)}`),
  };
}
