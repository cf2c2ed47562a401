/** Calls about personal API tokens, and calls with one. */

import assert from 'node:assert/strict';
import { type AuthWorld, basic, PASSWORD } from './auth-world.js';
import type { Injected } from './inject.js';

/** Requests of one user with his password, or a token in its place. */
export const as = (world: AuthWorld, username: string, secret = PASSWORD) => {
  const headers = { authorization: basic(username, secret) };
  return (method: string, path: string, body?: object | string): Promise<Injected> =>
    world.call({ method, url: `/api/v1${path}`, headers, ...(body === undefined ? {} : { body }) });
};

export interface Created {
  readonly prefix: string;
  readonly expires_at: string;
  readonly scope: string;
  readonly token: string;
}

export const create = async (world: AuthWorld, username: string, more: object = {}): Promise<Created> => {
  const answer = await as(world, username)('POST', '/me/tokens', {
    name: 'ci',
    scope: 'read+write',
    ...more,
  });
  assert.equal(answer.status, 200, answer.text);
  return (answer.json() as { data: Created }).data;
};

export const listed = async (world: AuthWorld, username: string): Promise<Record<string, unknown>[]> =>
  ((await as(world, username)('GET', '/me/tokens')).json() as { data: Record<string, unknown>[] }).data;
