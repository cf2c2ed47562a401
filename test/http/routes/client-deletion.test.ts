import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClientIndex } from '../../../src/clients/read-model.js';
import { createApi } from '../../../src/http/api.js';
import { clientDeletionRoutes } from '../../../src/http/routes/client-deletion.js';
import { apiContext } from '../../support/api-context.js';
import { clientFleet, introduce } from '../../support/client-fleet.js';
import { inject } from '../../support/inject.js';

test('DELETE /clients/{client_id}: 400 while connected, 204, then 404', async (t) => {
  const fleet = await clientFleet(t);
  const clients = {
    get: (id: string) => fleet.record(id),
    canAccess: () => true,
  } as unknown as ClientIndex;
  const context = apiContext({ actors: fleet.main, clients });
  const api = createApi({ context, routes: clientDeletionRoutes, onFinished: () => undefined });
  const remove = async (): Promise<readonly [number, string]> => {
    const { status, text } = await inject(api, { method: 'DELETE', url: '/api/v1/clients/c' });
    return [status, text === '' ? '' : JSON.parse(text).errors[0].title];
  };

  const session = fleet.session();
  await introduce(session, { ID: 'c' });
  assert.deepEqual(await remove(), [400, 'Client is active, should be disconnected']);
  session.drop('gone');
  await fleet.ended();
  assert.deepEqual(await remove(), [204, '']);
  assert.equal(fleet.record('c'), undefined);
  assert.deepEqual(await remove(), [404, 'Client with id="c" not found.']);
});

test('a client that only the caller still sees is not found', async (t) => {
  const fleet = await clientFleet(t);
  const clients = { get: () => ({}), canAccess: () => true } as unknown as ClientIndex;
  const context = apiContext({ actors: fleet.main, clients });
  const api = createApi({ context, routes: clientDeletionRoutes, onFinished: () => undefined });
  const { status } = await inject(api, { method: 'DELETE', url: '/api/v1/clients/c' });
  assert.equal(status, 404);
});
