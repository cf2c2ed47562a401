/** What the vault has acknowledged survives a kill. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestServer } from '../support/server.js';

const WRITES = 1_000;
/** Writers at the same time, each over connections of its own. */
const WRITERS = 25;

test('1 000 acknowledged values are there after kill -9, and no id is given twice', async (t) => {
  const server = await TestServer.start();
  t.after(() => server.remove());
  const api = server.api();
  const password = { body: { password: 'pass1' } };
  assert.equal((await api.post('/vault-admin/init', password)).status, 201);

  const values = new Map<number, string>();
  const given: number[] = [];
  let next = 0;
  let killed: Promise<unknown> | undefined;
  const write = async (): Promise<void> => {
    while (killed === undefined) {
      const value = `value ${next}`;
      const body = { key: `key ${next}`, value, type: 'text' };
      next += 1;
      // Those that are cut off were not acknowledged.
      const answer = await api.post('/vault', { body }).catch(() => undefined);
      if (answer?.status !== 201) continue;
      const { id } = (answer.json as { data: { id: number } }).data;
      given.push(id);
      values.set(id, value);
      // Some are changed or deleted again, which frees no id either.
      if (id % 20 === 0 && (await api.delete(`/vault/${id}`).catch(() => undefined))?.status === 204) {
        values.delete(id);
      } else if (id % 20 === 0) values.delete(id);
      if (given.length >= WRITES) killed ??= server.kill();
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, write));
  await killed;
  assert.ok(given.length >= WRITES);
  assert.equal(new Set(given).size, given.length);

  await server.startAgain();
  assert.equal((await server.api().get('/vault')).refusal, '409 vault is locked');
  assert.equal((await server.api().post('/vault-admin/sesame', password)).status, 201);
  const listed = new Set((await server.api().get('/vault')).data<{ id: number }[]>().map(({ id }) => id));
  assert.deepEqual(
    [...values.keys()].filter((id) => !listed.has(id)),
    [],
  );
  for (const [id, value] of [...values].filter((_, place) => place % 10 === 0)) {
    assert.equal((await server.api().get(`/vault/${id}`)).data<{ value: string }>().value, value);
  }
  const body = { key: 'after', value: 'v', type: 'text' };
  const answer = await server.api().post('/vault', { body });
  const { id } = (answer.json as { data: { id: number } }).data;
  assert.ok(id > Math.max(...given), `${id}`);
});
