/** The API's authentication over a real store, a real guard and real routes; only time and the network are not. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import bcrypt from 'bcryptjs';
import { spawnAccounts } from '../../src/actors/accounts/behavior.js';
import { remoteAccounts } from '../../src/actors/accounts/remote-accounts.js';
import { remoteAgentCredentials } from '../../src/actors/agent-credentials/remote-agent-credentials.js';
import { spawnGuard } from '../../src/actors/guard/behavior.js';
import { createGuard, type GuardReplica } from '../../src/actors/guard/create-guard.js';
import { spawnHasher } from '../../src/actors/hasher/behavior.js';
import { remoteHasher } from '../../src/actors/hasher/remote-hasher.js';
import { spawnSecondFactor } from '../../src/actors/second-factor/behavior.js';
import { openSecondFactor } from '../../src/actors/second-factor/open-second-factor.js';
import type { Accounts } from '../../src/auth/accounts/accounts.js';
import { makeAccounts } from '../../src/auth/accounts/make-accounts.js';
import { makeTurns } from '../../src/auth/accounts/turns.js';
import { makeAgentCredentials } from '../../src/auth/agents/agent-credentials.js';
import { openCredentials } from '../../src/auth/agents/open-credentials.js';
import type { ApiAuth } from '../../src/auth/api-auth.js';
import { createApiAuth } from '../../src/auth/create-api-auth.js';
import { hashPassword, verifyPassword } from '../../src/auth/passwords/hash.js';
import type { PasswordHasher } from '../../src/auth/passwords/hasher.js';
import { passwordScore } from '../../src/auth/passwords/strength.js';
import type { SecondFactor } from '../../src/auth/second-factor/second-factor.js';
import type { SingleSignOn } from '../../src/auth/sso/single-sign-on.js';
import { openUserWrites } from '../../src/auth/users/open-user-writes.js';
import { openUsers } from '../../src/auth/users/open-users.js';
import { parseUsersFile } from '../../src/auth/users/parse-users-file.js';
import type { UserProvider } from '../../src/auth/users/provider.js';
import type { ApiConfig, Config, DatabaseConfig, ServerConfig } from '../../src/config/types.js';
import { createApi } from '../../src/http/api.js';
import type { Route } from '../../src/http/route.js';
import { loginRoutes } from '../../src/http/routes/login.js';
import { meRoutes } from '../../src/http/routes/me.js';
import { myTokenRoutes } from '../../src/http/routes/me-tokens.js';
import { statusRoutes } from '../../src/http/routes/status.js';
import { totpRoutes } from '../../src/http/routes/totp.js';
import { userGroupRoutes } from '../../src/http/routes/user-groups.js';
import { userSessionRoutes } from '../../src/http/routes/user-sessions.js';
import { userRoutes } from '../../src/http/routes/users.js';
import { verifySecondFactorRoutes } from '../../src/http/routes/verify-2fa.js';
import { openStore } from '../../src/store/open.js';
import type { Store } from '../../src/store/store.js';
import { loneSystem } from './actor-system.js';
import { apiContext } from './api-context.js';
import { type Injected, type InjectedRequest, inject } from './inject.js';
import type { ManualClock } from './manual-clock.js';
import { MemoryLogger } from './memory-logger.js';
import { tempFolder } from './temp-folder.js';

export const SECRET = 'the secret of the tests';
export const PASSWORD = 'pwd';

export interface AuthWorldParts {
  readonly api?: Partial<ApiConfig>;
  readonly server?: Partial<ServerConfig>;
  /** As in a users file; default: anna, an administrator, and bert, both with `PASSWORD`. */
  readonly users?: readonly Record<string, unknown>[];
  /** The users are in the server's own store instead of a file. */
  readonly ownStore?: boolean;
  /** Static user instead of a file. */
  readonly staticUser?: string;
  /** With `userTables` as part of `api`, the users are there instead of in a file. */
  readonly database?: DatabaseConfig;
  readonly hasher?: Partial<PasswordHasher>;
  /** Instead of what the configuration asks for. */
  readonly secondFactor?: SecondFactor;
  readonly sso?: SingleSignOn;
  readonly accounts?: Partial<Accounts>;
  /** Default: codes are not sent. */
  readonly checkReceiver?: (receiver: string) => Promise<void>;
  readonly routes?: readonly Route[];
}

export interface AuthWorld {
  readonly config: Config;
  readonly clock: ManualClock;
  readonly log: MemoryLogger;
  readonly store: Store;
  readonly guard: GuardReplica;
  readonly users: UserProvider;
  readonly accounts: Accounts;
  readonly auth: ApiAuth;
  readonly usersFile: string;
  /** Passwords that were really hashed and compared. */
  readonly hashed: readonly string[];
  call(request: InjectedRequest): Promise<Injected>;
  /** `GET /login`, from 192.0.2.1 unless said otherwise. */
  login(username: string, password?: string, more?: Partial<InjectedRequest>): Promise<Injected>;
  /** The token of a login that must succeed. */
  token(username: string, lifetime?: number): Promise<string>;
  /** `GET` below `/api/v1` with a token. */
  get(path: string, token: string, more?: Partial<InjectedRequest>): Promise<Injected>;
}

export const basic = (username: string, password: string): string =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;

/** Cheap; as htpasswd writes it. */
export const bcryptHash = (password: string): string =>
  bcrypt.hashSync(password, 4).replace(/^\$2b\$/, '$2y$');

export const titles = (answer: Injected): string[] =>
  (answer.json() as { errors: { title: string }[] }).errors.map(({ title }) => title);

export async function authWorld(test: TestContext, parts: AuthWorldParts = {}): Promise<AuthWorld> {
  const folder = tempFolder(test);
  const usersFile = join(folder, 'users.json');
  const users = parts.users ?? [
    { username: 'anna', password: bcryptHash(PASSWORD), groups: ['Administrators'] },
    { username: 'bert', password: bcryptHash(PASSWORD), groups: null },
  ];
  writeFileSync(usersFile, JSON.stringify(users));
  const { system, clock } = loneSystem();
  const log = new MemoryLogger();
  const config = makeConfig(parts, usersFile);
  const store = openStore(join(folder, 'store'), { log, clock });
  if (parts.ownStore)
    await store.users.addFirst(parseUsersFile(JSON.stringify(users)).map(({ user }) => user));
  let finish: (() => Promise<void>) | undefined;
  test.after(async () => {
    await system.shutdown();
    await finish?.();
    await store.close();
  });

  const hashed: string[] = [];
  spawnGuard(system, config, log);
  spawnHasher(system, {
    verify(password, stored) {
      hashed.push(password);
      return (parts.hasher?.verify ?? verifyPassword)(password, stored);
    },
    hash: parts.hasher?.hash ?? hashPassword,
    score: parts.hasher?.score ?? passwordScore,
  });
  spawnSecondFactor(system, { uses: store.totpUses });
  const accounts = remoteAccounts(system);
  const guard = createGuard({ system, config, clock, log });
  await guard.ready;
  const credentials = await openCredentials({ config, store, clock, log });
  const source = { config, store, clock, log };
  const provider = await openUsers(source);
  const turns = makeTurns(clock);
  const changed = await openUsers(source);
  const writes = await openUserWrites(source);
  const made = makeAccounts({
    config,
    users: changed,
    writes,
    hasher: remoteHasher(system),
    store,
    checkReceiver: parts.checkReceiver ?? null,
    turns: {
      ...turns,
      // What other threads are told by a publication.
      take: (work) => turns.take(work).finally(() => provider.forget()),
    },
  });
  spawnAccounts(system, { accounts: () => ({ ...made, ...parts.accounts }), turns, log });
  const auth = createApiAuth({
    config,
    guard,
    users: provider,
    accounts,
    hasher: remoteHasher(system),
    secondFactor:
      parts.secondFactor ?? openSecondFactor({ config, system, users: provider, guard, clock, log }),
    store,
    clock,
    log,
  });

  finish = async () => {
    await auth.finish();
    for (const opened of [provider, changed, writes, credentials]) await opened.close();
  };

  const openRoute: Route = {
    method: 'GET',
    path: '/open',
    access: { kind: 'open' },
    docs: { tag: '', summary: '' },
    responses: {},
    handler: () => ({ status: 200, data: null }),
  };
  const handler = createApi({
    context: {
      ...apiContext({}),
      config,
      auth,
      users: provider,
      accounts,
      agentCredentials: makeAgentCredentials(credentials, config.server, remoteAgentCredentials(system)),
      guard,
      store,
      clock,
      log,
      clients: { counts: () => ({ connected: 2, disconnected: 3 }) } as never,
      fingerprint: '00:11',
      version: '1.2.3',
      sso: parts.sso ?? null,
    },
    routes: [
      ...loginRoutes,
      ...meRoutes,
      ...myTokenRoutes,
      ...totpRoutes,
      ...verifySecondFactorRoutes,
      ...userRoutes,
      ...userSessionRoutes,
      ...userGroupRoutes,
      ...statusRoutes,
      openRoute,
      ...(parts.routes ?? []),
    ],
  });
  const call = (request: InjectedRequest): Promise<Injected> =>
    inject(handler, { remoteAddress: '192.0.2.1', ...request });
  const world: AuthWorld = {
    config,
    clock,
    log,
    store,
    guard,
    users: provider,
    accounts,
    auth,
    usersFile,
    hashed,
    call,
    login: (username, password = PASSWORD, more = {}) =>
      call({ url: '/api/v1/login', headers: { authorization: basic(username, password) }, ...more }),
    async token(username, lifetime) {
      const url = `/api/v1/login${lifetime === undefined ? '' : `?token-lifetime=${lifetime}`}`;
      const answer = await world.login(username, PASSWORD, { url });
      return (answer.json() as { data: { token: string } }).data.token;
    },
    get: (path, token, more = {}) =>
      call({
        url: `/api/v1${path}`,
        headers: { authorization: `Bearer ${token}`, ...more.headers },
        ...without(more),
      }),
  };
  return world;
}

const without = ({ headers: _, ...rest }: Partial<InjectedRequest>): Partial<InjectedRequest> => rest;

function makeConfig(
  { api, server, staticUser, ownStore, database }: AuthWorldParts,
  usersFile: string,
): Config {
  return {
    api: {
      cors: [],
      trustedProxies: [],
      maxRequestBytes: 10240,
      auth: staticUser ?? '',
      authFile: staticUser === undefined && !ownStore ? usersFile : '',
      authUserTable: '',
      authGroupTable: '',
      authGroupDetailsTable: '',
      authHeader: '',
      jwtSecret: SECRET,
      userLoginWait: 2,
      maxFailedLogin: 10,
      banTime: 600,
      maxTokenLifetime: 0,
      passwordMinLength: 14,
      passwordZxcvbnMinscore: 0,
      createMissingUsers: false,
      defaultUserGroup: 'Administrators',
      twoFaTokenDelivery: '',
      totpEnabled: false,
      enableAuditLog: true,
      auditLogRotation: 'monthly',
      auditLogKeep: null,
      ...api,
    },
    server: {
      clientLoginWait: 2,
      maxFailedLogin: 5,
      banTime: 3600,
      auth: 'agent:secret',
      clientAuth: { id: 'agent', password: 'secret' },
      authFile: '',
      authTable: '',
      authWrite: true,
      url: ['http://192.0.2.9:8080'],
      usedPorts: ['20000-30000'],
      excludedPorts: ['1-1024'],
      pairingUrl: 'https://pairing.example',
      tunnelHost: '',
      ...server,
    },
    database: database ?? { dbType: '', dbHost: '', dbUser: '', dbPassword: '', dbName: '' },
    plusOauth: { provider: '' },
    monitoring: { enabled: true, dataStorageDuration: 0 },
  } as unknown as Config;
}
