/**
 * `kill -9` in the middle of changes of every kind: what was acknowledged is there afterwards, has its entry in the
 * audit log, and the log's chain is whole.
 */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ApiClient } from '../support/api-client.js';
import { TestServer } from '../support/server.js';
import { tidewayCommand } from '../support/user-command.js';

const CHANGES = 1_500;
const AT_ONCE = 16;
/** The kill comes in the middle of them. */
const KILLED_AFTER = 1_000;
const PASSWORD = 'vault-password';
const CLIENT = 'writer';

interface Kind {
  readonly application: string;
  /** Adds the thing of that number; resolves with its id and the status of the answer. */
  add(api: ApiClient, number: number): Promise<{ readonly status: number; readonly id: string }>;
  /** Whether the thing is as it was added. */
  isThere(api: ApiClient, id: string, number: number): Promise<boolean>;
}

const idOf = ({ json, text }: { readonly json: unknown; readonly text: string }): string => {
  const id = (json as { data?: { id?: string | number } } | undefined)?.data?.id;
  assert.ok(id !== undefined, text);
  return String(id);
};

const kinds: readonly Kind[] = [
  {
    application: 'client.group',
    async add(api, number) {
      const id = `g${number}`;
      const { status } = await api.post('/client-groups', { body: { id, description: `of ${number}` } });
      return { status, id };
    },
    async isThere(api, id, number) {
      const { json } = await api.get(`/client-groups/${id}`);
      return (json as { data?: { description?: string } }).data?.description === `of ${number}`;
    },
  },
  {
    application: 'schedule',
    async add(api, number) {
      const answer = await api.post('/schedules', {
        body: {
          name: `of ${number}`,
          schedule: '0 0 29 2 *',
          type: 'command',
          command: 'id',
          client_ids: [CLIENT],
        },
      });
      return { status: answer.status, id: idOf(answer) };
    },
    async isThere(api, id, number) {
      const { json } = await api.get(`/schedules/${id}`);
      return (json as { data?: { name?: string } }).data?.name === `of ${number}`;
    },
  },
  {
    application: 'library.script',
    async add(api, number) {
      const answer = await api.post('/library/scripts', {
        body: { name: `s${number}`, script: `x${number}` },
      });
      return { status: answer.status, id: idOf(answer) };
    },
    async isThere(api, id, number) {
      const { json } = await api.get(`/library/scripts/${id}`);
      return (json as { data?: { script?: string } }).data?.script === `x${number}`;
    },
  },
  {
    application: 'vault',
    async add(api, number) {
      const body = { key: `k${number}`, value: `secret ${number}`, type: 'secret' };
      const answer = await api.post('/vault', { body });
      return { status: answer.status, id: idOf(answer) };
    },
    async isThere(api, id, number) {
      const { json } = await api.get(`/vault/${id}`);
      return (json as { data?: { value?: string } }).data?.value === `secret ${number}`;
    },
  },
  {
    application: 'client.stored_tunnel',
    async add(api, number) {
      const body = { name: `t${number}`, remote_port: 1 + number };
      const answer = await api.post(`/clients/${CLIENT}/stored-tunnels`, { body });
      return { status: answer.status === 200 ? 201 : answer.status, id: idOf(answer) };
    },
    async isThere(api, id, number) {
      const { json } = await api.get(`/clients/${CLIENT}/stored-tunnels?filter[name]=t${number}`);
      const [found] = (json as { data?: { id: string; remote_port: number }[] }).data ?? [];
      return found?.id === id && found.remote_port === 1 + number;
    },
  },
];

test('every acknowledged write of 1000 is there after a kill, with its entry, and the audit log is whole', async () => {
  const server = await TestServer.start({ api: { user_login_wait: 0 } });
  try {
    await server.agent(CLIENT);
    await server.untilKnown(CLIENT);
    assert.equal(
      (await server.api().post('/vault-admin/init', { body: { password: PASSWORD } })).status,
      201,
    );
    const acknowledged: { readonly kind: Kind; readonly id: string; readonly number: number }[] = [];
    let next = 0;
    let killed: Promise<unknown> | null = null;
    const change = async (): Promise<void> => {
      while (next < CHANGES) {
        const number = next++;
        const kind = kinds[number % kinds.length] as Kind;
        try {
          const { status, id } = await kind.add(server.api(), number);
          assert.equal(status, 201);
          acknowledged.push({ kind, id, number });
        } catch (error) {
          if (killed === null) throw error;
          return;
        }
        if (acknowledged.length === KILLED_AFTER) killed = server.kill();
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, change));
    assert.ok(killed !== null && acknowledged.length < CHANGES, 'it was killed in the middle');
    await killed;

    const verify = () =>
      tidewayCommand(['audit', 'verify', '-c', join(server.folder, 'rportd.conf')], { cwd: server.folder });
    const beforeStart = await verify();
    assert.equal(beforeStart.code, 0, beforeStart.out);
    await server.startAgain();
    assert.equal(
      (await server.api().post('/vault-admin/sesame', { body: { password: PASSWORD } })).status,
      201,
    );
    const lost: string[] = [];
    const left = [...acknowledged];
    const look = async (): Promise<void> => {
      for (let one = left.pop(); one !== undefined; one = left.pop()) {
        const { kind, id, number } = one;
        if (!(await kind.isThere(server.api(), id, number))) lost.push(`${kind.application} ${id}`);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, look));
    assert.deepEqual(lost, []);

    const recorded = new Set<string>();
    let entries = 0;
    for (;;) {
      const answer = await server.api().get(`/auditlog?page[limit]=100&page[offset]=${entries}`);
      const page = answer.data<{ application: string; affected_id: string; action: string }[]>();
      if (page.length === 0) break;
      entries += page.length;
      for (const { application, affected_id: id, action } of page)
        recorded.add(`${application} ${action} ${id}`);
    }
    const unrecorded = acknowledged.filter(
      ({ kind, id }) => !recorded.has(`${kind.application} create ${id}`),
    );
    assert.deepEqual(
      unrecorded.map(({ kind, id }) => `${kind.application} ${id}`),
      [],
    );
    assert.equal((await verify()).code, 0);
    // It goes on where it was.
    assert.equal((await server.api().delete('/client-groups/g0')).status, 204);
    assert.match((await verify()).out, new RegExp(`: ${entries + 1} entries from 1, ok$`, 'm'));
  } finally {
    await server.remove();
  }
});
