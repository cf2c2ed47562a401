/** Password check of agents, with waits and bans. Spec 01 §4.8. */

import { randomBytes } from 'node:crypto';
import type { Config } from '../../config/types.js';
import type { Logger } from '../../logging/logger.js';
import type { AgentLogin, Guard } from '../guard.js';
import { sameText } from '../same-text.js';
import type { AgentCredential, CredentialSource } from './credential-source.js';

export interface AgentLoginOptions {
  readonly config: Config;
  readonly guard: Guard;
  /** Lines carry the prefix given to it; the reference's is `client-listener`. */
  readonly log: Logger;
  readonly credentials: Pick<CredentialSource, 'lookup'>;
}

/** Longest part of a client auth id in a log line. */
const LOGGED_ID = 256;
/** Compared with when an id is unknown, so that it costs what a wrong password costs. */
const nobodysPassword = randomBytes(32).toString('base64');

export function createAgentLogin(options: AgentLoginOptions): AgentLogin {
  const { config, guard, log, credentials } = options;
  const wait = config.server.clientLoginWait;

  /** Refused without a look at the password, and without a penalty. */
  const mustWait = (authId: string, ip: string): boolean => {
    if (!guard.mustWait('client', authId, ip) && !guard.isBanned('client', ip)) return false;
    log.info(
      `Failed login attempt for client auth id ${quoted(authId)}, forcing to wait for ${wait}s (${ip})`,
    );
    return true;
  };

  return {
    async verify(authId, password, ip) {
      if (mustWait(authId, ip)) return null;
      let known: AgentCredential | undefined;
      try {
        const found = credentials.lookup(authId);
        known = found instanceof Promise ? await found : found;
      } catch (error) {
        log.error(`client auth id ${quoted(authId)} cannot be looked up: ${(error as Error).message}`);
        return null;
      }
      // Guesses made side by side: while this one waited, another may have failed.
      if (mustWait(authId, ip)) return null;
      const right = sameText(password, known?.password ?? nobodysPassword);
      if (right && known !== undefined) {
        await guard.succeeded('client', authId, ip);
        return known.id;
      }
      log.debug(`Login failed for client auth id: ${quoted(authId)}`);
      await guard.failed('client', authId, ip);
      return null;
    },
  };
}

const quoted = (authId: string): string => JSON.stringify(authId.slice(0, LOGGED_ID));
