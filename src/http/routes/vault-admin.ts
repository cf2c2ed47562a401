/** Making, unlocking and locking the vault. Spec 03 §11.1 and §11.3. */

import Type from 'typebox';
import type { Access, Route } from '../route.js';

const TAG = 'Vault';
const permitted: Access = { kind: 'user', permission: 'vault' };
const administrators: Access = { kind: 'user', permission: 'vault', admin: true };

const passwordBody = Type.Object({ password: Type.String({ description: '4 to 32 bytes' }) });
const passwordOf = (body: unknown): string => (body as { password: string }).password;

const state: Route = {
  method: 'GET',
  path: '/vault-admin',
  access: permitted,
  docs: {
    tag: TAG,
    summary: 'Show the state of the vault',
    description: 'It is locked after every start of the server.',
  },
  responses: {
    200: Type.Object({
      init: Type.Union([Type.Literal('uninitialized'), Type.Literal('setup-completed')]),
      status: Type.Union([Type.Literal('locked'), Type.Literal('unlocked'), Type.Literal('')], {
        description: 'Empty when uninitialized',
      }),
    }),
  },
  async handler(_request, { vault }) {
    const { init, status } = await vault.state();
    return { status: 200, data: { init, status } };
  },
};

const init: Route = {
  method: 'POST',
  path: '/vault-admin/init',
  access: administrators,
  docs: {
    tag: TAG,
    summary: 'Make the vault',
    description: 'It is unlocked afterwards. The password is stored nowhere; without it the values are lost.',
    errors: { 400: 'The password is too short or too long', 409: 'There is a vault' },
  },
  audit: { application: 'vault', action: 'init' },
  body: passwordBody,
  responses: { 201: null },
  async handler({ body }, { vault }) {
    await vault.init(passwordOf(body));
    return { status: 201, empty: true };
  },
};

const unlock: Route = {
  method: 'POST',
  path: '/vault-admin/sesame',
  access: administrators,
  docs: {
    tag: TAG,
    summary: 'Unlock the vault',
    description: 'For everybody with the permission, until it is locked or the server ends.',
    errors: {
      401: 'Wrong password, or no valid login',
      409: 'It is unlocked, or there is none',
      429: 'Too many wrong passwords, from whomever; `Retry-After` tells the seconds to wait',
    },
  },
  audit: { application: 'vault', action: 'unlock' },
  body: passwordBody,
  responses: { 201: null },
  async handler({ body }, { vault }) {
    await vault.unlock(passwordOf(body));
    return { status: 201, empty: true };
  },
};

const lock: Route = {
  method: 'DELETE',
  path: '/vault-admin/sesame',
  access: administrators,
  docs: {
    tag: TAG,
    summary: 'Lock the vault',
    description: 'The server forgets the key.',
    errors: { 409: 'It is locked, or there is none' },
  },
  audit: { application: 'vault', action: 'lock' },
  responses: { 204: null },
  async handler(_request, { vault }) {
    await vault.lock();
    return { status: 204, empty: true };
  },
};

export const vaultAdminRoutes: readonly Route[] = [state, init, unlock, lock];
