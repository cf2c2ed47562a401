/** The API of one shard, behind a listener that stays while the configuration changes. */

import { ACCOUNTS_TOPIC } from '../actors/accounts/messages.js';
import { remoteAccounts } from '../actors/accounts/remote-accounts.js';
import { remoteHasher } from '../actors/hasher/remote-hasher.js';
import type { RunUser } from '../actors/schedule-runner/run.js';
import { openSecondFactor } from '../actors/second-factor/open-second-factor.js';
import { openSingleSignOn } from '../actors/sso/open-single-sign-on.js';
import type { ApiAuth } from '../auth/api-auth.js';
import { createApiAuth } from '../auth/create-api-auth.js';
import { makeUserPrincipal } from '../auth/user-principal.js';
import { openUsers } from '../auth/users/open-users.js';
import type { UserProvider } from '../auth/users/provider.js';
import { presentUser } from '../auth/users/tenure.js';
import type { Config } from '../config/types.js';
import { type ApiOptions, createApi } from '../http/api.js';
import type { ApiContext } from '../http/context.js';
import type { EngineOptions } from '../http/engine.js';
import { routes, webSocketRoutes } from '../http/routes/index.js';
import { OpenSockets } from '../http/ws/open-sockets.js';
import type { Logger } from '../logging/logger.js';

export interface ShardApiOptions {
  /** What outlives a configuration. Lines about users and logins go to `log`. */
  readonly context: Omit<ApiContext, 'config' | 'auth' | 'users' | 'accounts' | 'sso'>;
  readonly log: Logger;
  readonly onFinished: NonNullable<ApiOptions['onFinished']>;
}

/** The API under one configuration. Not used before `ShardApi.use`. */
export interface PreparedApi {
  readonly onRequest: EngineOptions['onRequest'];
  readonly users: UserProvider;
  readonly auth: ApiAuth;
  readonly userOf: ShardApi['userOf'];
}

export interface ShardApi {
  /** For the listener; requests under way end as they began. */
  readonly onRequest: EngineOptions['onRequest'];
  /** `null`: there is none. Rejects when users cannot be read. */
  userOf(username: string): Promise<RunUser | null>;
  /** Rejects with `Error` when the users of the configuration cannot be read. */
  prepare(config: Config): Promise<PreparedApi>;
  /** WebSockets that are open stay so, as far as the new rules let them. */
  use(prepared: PreparedApi): void;
  /** Tells those who have a WebSocket open that the server stops. */
  leave(): void;
  close(): Promise<void>;
}

/** Rejects like `prepare`. */
export async function openShardApi(config: Config, options: ShardApiOptions): Promise<ShardApi> {
  const { context, log, onFinished } = options;
  const { actors, guard, store, clock } = context;
  const accounts = remoteAccounts(actors);
  const sockets = new OpenSockets({ clock, log: context.log });

  const build = (next: Config, users: UserProvider): PreparedApi => {
    const auth = createApiAuth({
      config: next,
      guard,
      users,
      accounts,
      hasher: remoteHasher(actors),
      secondFactor: openSecondFactor({ config: next, system: actors, users, guard, clock, log }),
      store,
      clock,
      log,
    });
    const sso = openSingleSignOn({ config: next, system: actors, clock, log });
    const onRequest = createApi({
      context: { ...context, config: next, auth, users, accounts, sso },
      routes: [...routes, ...webSocketRoutes],
      sockets,
      onFinished,
    });
    const toPrincipal = makeUserPrincipal(users);
    return {
      onRequest,
      users,
      auth,
      async userOf(username) {
        const found = await presentUser(users, store, username);
        return found && { principal: await toPrincipal(found.user), tenure: found.tenure };
      },
    };
  };

  const prepare = async (next: Config): Promise<PreparedApi> => {
    const users = await openUsers({ config: next, store, clock, log });
    try {
      return build(next, users);
    } catch (error) {
      await users.close();
      throw error;
    }
  };

  let present = await prepare(config);
  sockets.follow(present.auth);
  const unsubscribe = actors.subscribe(ACCOUNTS_TOPIC, () => {
    present.users.forget();
    sockets.recheckNow();
  });
  return {
    onRequest: (request, response) => present.onRequest(request, response),
    userOf: (username) => present.userOf(username),
    prepare,
    use(prepared) {
      const { users, auth } = present;
      present = prepared;
      sockets.follow(prepared.auth);
      // What changed since they were opened was told to the others only.
      prepared.users.forget();
      Promise.all([users.close(), auth.finish()]).catch((error) =>
        log.error(`closing the users: ${(error as Error).message}`),
      );
    },
    leave: () => sockets.closeAll('server stops'),
    async close() {
      unsubscribe();
      await Promise.all([present.users.close(), present.auth.finish()]);
    },
  };
}
