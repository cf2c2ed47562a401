/** The API of one shard, behind a listener that stays while the configuration changes. */

import { remoteHasher } from '../actors/hasher/remote-hasher.js';
import { userFileChange } from '../actors/user-file/behavior.js';
import { createApiAuth } from '../auth/create-api-auth.js';
import { openUsers } from '../auth/users/open-users.js';
import type { Config } from '../config/types.js';
import { type ApiOptions, createApi } from '../http/api.js';
import type { ApiContext } from '../http/context.js';
import type { EngineOptions } from '../http/engine.js';
import { routes } from '../http/routes/index.js';
import type { Logger } from '../logging/logger.js';

export interface ShardApiOptions {
  /** What outlives a configuration. Lines about users and logins go to `log`. */
  readonly context: Omit<ApiContext, 'config' | 'auth'>;
  readonly log: Logger;
  readonly onFinished: NonNullable<ApiOptions['onFinished']>;
}

/** The API under one configuration. Not used before `ShardApi.use`. */
export type PreparedApi = EngineOptions['onRequest'];

export interface ShardApi {
  /** For the listener; requests under way end as they began. */
  readonly onRequest: EngineOptions['onRequest'];
  /** Rejects with `Error` when the users of the configuration cannot be read. */
  prepare(config: Config): Promise<PreparedApi>;
  use(prepared: PreparedApi): void;
}

/** Rejects like `prepare`. */
export async function openShardApi(config: Config, options: ShardApiOptions): Promise<ShardApi> {
  const { context, log, onFinished } = options;
  const { actors, guard, store, clock } = context;

  const prepare = async (next: Config): Promise<PreparedApi> => {
    const users = await openUsers({ config: next, clock, log, change: userFileChange(actors) });
    const auth = createApiAuth({
      config: next,
      guard,
      users,
      hasher: remoteHasher(actors),
      store,
      clock,
      log,
    });
    return createApi({ context: { ...context, config: next, auth }, routes, onFinished });
  };

  let present = await prepare(config);
  return {
    onRequest: (request, response) => present(request, response),
    prepare,
    use(prepared) {
      present = prepared;
    },
  };
}
