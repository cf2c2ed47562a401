/**
 * Logins and who is logged in: how long one login takes beside one hash of its password, how many authenticated
 * calls 200 callers get through, and how the API answers while 100 callers guess passwords.
 */

import bcrypt from 'bcryptjs';
import { hashPassword, verifyPassword } from '../../src/auth/passwords/hash.js';
import { bearer } from '../load/api.js';
import { type HttpLoadResult, runHttpLoad } from '../load/http-load.js';
import { cpuSeconds } from '../report/process-usage.js';
import { median } from '../report/statistics.js';
import { ADMIN, type ServerUnderTest } from '../servers/server-under-test.js';
import type { Scenario } from './scenario.js';

/** Each logs in once, so that no server can remember a password that was right a moment ago. */
const USERS = 60;
const ME_CALLERS = 200;
const ME_REQUESTS = { tideway: 60_000, reference: 8_000 };
const GUESSERS = 100;
const STATUS_CALLERS = 16;
const STATUS_REQUESTS = { tideway: 10_000, reference: 300 };
/** What the reference hashes with. */
const BCRYPT_COST = 10;

const passwordOf = (at: number): string => `password-of-user-${at}`;
const basic = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

export const logins: Scenario = {
  name: 'logins',
  about: `${USERS} logins one by one, ${ME_CALLERS} callers of /me, and /status during ${GUESSERS} callers who guess passwords`,
  async run(start) {
    const server = await start({ users: await usersFiles() });
    try {
      const hashMs = await timeOfOneHash();
      const login = await loginTimes(server);
      const authorization = await bearer(server);
      const load = { port: server.apiPort, authorization };
      const me = { ...load, path: '/api/v1/me', callers: ME_CALLERS };
      await runHttpLoad({ ...me, requests: ME_REQUESTS[server.name] / 10 });
      const cpuBefore = cpuSeconds(server.pid);
      const calls = await runHttpLoad({ ...me, requests: ME_REQUESTS[server.name] });
      const cpuMs = ((cpuSeconds(server.pid) - cpuBefore) / ME_REQUESTS[server.name]) * 1e3;
      const status = await duringGuesses(server, () =>
        runHttpLoad({
          ...load,
          path: '/api/v1/status',
          callers: STATUS_CALLERS,
          requests: STATUS_REQUESTS[server.name],
        }),
      );
      return {
        faults: login.failed + calls.failed + status.failed,
        figures: [
          { name: 'one argon2id check, p50', value: hashMs, unit: 'ms' },
          { name: 'login, p50', value: login.p50Ms, unit: 'ms' },
          { name: 'login ÷ argon2id check', value: login.p50Ms / hashMs, unit: '×' },
          {
            name: `/me, ${ME_CALLERS} callers`,
            value: calls.requestsPerSecond,
            unit: 'req/s',
            ratioTarget: { atLeast: 4 },
          },
          { name: '/me, p99', value: calls.p99Ms, unit: 'ms' },
          { name: '/me, CPU', value: cpuMs, unit: 'ms' },
          { name: '/status during guesses', value: status.requestsPerSecond, unit: 'req/s' },
          { name: '/status during guesses, p99', value: status.p99Ms, unit: 'ms' },
        ],
      };
    } finally {
      await server.stop();
    }
  },
};

/** Ours has argon2id hashes, the reference bcrypt. */
async function usersFiles(): Promise<Record<ServerUnderTest['name'], string>> {
  const names: readonly (readonly [name: string, password: string])[] = [
    [ADMIN.user, ADMIN.password],
    ...Array.from({ length: USERS }, (_, at) => [`user-${at}`, passwordOf(at)] as const),
  ];
  const file = async (hash: (password: string) => string | Promise<string>): Promise<string> => {
    const users = [];
    for (const [username, password] of names) {
      users.push({ username, password: await hash(password), groups: ['Administrators'] });
    }
    return JSON.stringify(users);
  };
  return {
    tideway: await file(hashPassword),
    reference: await file((password) => bcrypt.hashSync(password, BCRYPT_COST).replace(/^\$2b\$/, '$2y$')),
  };
}

/** In this process, on an idle machine: what a login cannot be faster than. */
async function timeOfOneHash(): Promise<number> {
  const stored = await hashPassword('some password');
  const times: number[] = [];
  for (let count = 0; count < USERS; count += 1) {
    const from = process.hrtime.bigint();
    await verifyPassword('some password', stored);
    times.push(Number(process.hrtime.bigint() - from) / 1e6);
  }
  return median(times);
}

async function loginTimes(
  server: ServerUnderTest,
): Promise<{ readonly p50Ms: number; readonly failed: number }> {
  const times: number[] = [];
  let failed = 0;
  for (let at = 0; at < USERS; at += 1) {
    const { p50Ms, failed: wrong } = await runHttpLoad({
      port: server.apiPort,
      path: '/api/v1/login',
      authorization: basic(`user-${at}`, passwordOf(at)),
      callers: 1,
      requests: 1,
    });
    times.push(p50Ms);
    failed += wrong;
  }
  return { p50Ms: median(times), failed };
}

/** Runs `measured` while the guessers are at work. */
async function duringGuesses(
  server: ServerUnderTest,
  measured: () => Promise<HttpLoadResult>,
): Promise<HttpLoadResult> {
  const end = new AbortController();
  let guess = 0;
  const guesses = runHttpLoad({
    port: server.apiPort,
    path: '/api/v1/login',
    // Every guess is another one, or a server could answer them all with one hash.
    authorization: () => basic(`user-${guess % USERS}`, `a wrong password ${guess++}`),
    callers: GUESSERS,
    requests: Number.POSITIVE_INFINITY,
    signal: end.signal,
  });
  const result = await measured();
  end.abort();
  await guesses;
  return result;
}
