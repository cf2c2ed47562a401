/**
 * Which sorts, filters and fields each list takes, and how many items it shows: the table of spec 03 §3.6, row by row,
 * for every list there is. Spec 03 §15.2, case 11.
 */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { routes } from '../../src/http/routes/index.js';
import { openStore } from '../../src/store/open.js';
import type { ApiClient } from '../support/api-client.js';
import { clientGroup } from '../support/client-group.js';
import { clientRecord } from '../support/client-record.js';
import { MemoryLogger } from '../support/memory-logger.js';
import { TestServer } from '../support/server.js';

interface List {
  /** As the route declares it. */
  readonly route: string;
  readonly path?: string;
  readonly sorts: string;
  readonly filters: string;
  /** Names of fields by resource; absent = `fields[…]` is ignored. */
  readonly fields?: readonly [resource: string, names: string];
  readonly limit: readonly [byDefault: number, most: number];
  /** There are more items than the default limit. */
  readonly filled: boolean;
}

const SCRIPT_COLUMNS =
  'id name created_by created_at updated_by updated_at interpreter is_sudo cwd script tags';
const COMMAND_COLUMNS = 'id name created_by created_at updated_by updated_at cmd tags';
const CLIENT_FIELDS =
  'id name address hostname os os_full_name os_version os_arch os_family os_kernel os_virtualization_system ' +
  'os_virtualization_role num_cpus cpu_family cpu_model cpu_model_name cpu_vendor mem_total timezone client_auth_id ' +
  'version disconnected_at last_heartbeat_at connection_state ipv4 ipv6 tags allowed_user_groups tunnels ' +
  'updates_status ip_addresses client_configuration groups labels';

const lists: readonly List[] = [
  {
    route: '/clients',
    sorts: 'id name os hostname version',
    filters:
      'id name os os_arch os_family os_kernel os_full_name os_version os_virtualization_system ' +
      'os_virtualization_role cpu_family cpu_model cpu_model_name cpu_vendor num_cpus timezone hostname ipv4 ipv6 ' +
      'tags labels version address client_auth_id allowed_user_groups groups connection_state',
    fields: ['clients', CLIENT_FIELDS],
    limit: [50, 500],
    filled: true,
  },
  {
    route: '/client-tags',
    sorts: '',
    filters: '',
    fields: ['client_tags', 'tag client_ids'],
    limit: [50, 500],
    filled: true,
  },
  {
    route: '/client-groups',
    sorts: 'id description',
    filters: 'id description',
    fields: [
      'client_groups',
      'id description params allowed_user_groups client_ids num_clients num_clients_connected',
    ],
    limit: [50, 500],
    filled: true,
  },
  { route: '/clients-auth', sorts: '', filters: 'id', limit: [50, 500], filled: true },
  {
    route: '/clients/{client_id}/stored-tunnels',
    path: '/clients/c-0/stored-tunnels',
    sorts: 'created_at name scheme remote_ip remote_port',
    filters: 'name scheme remote_ip remote_port',
    limit: [10, 100],
    filled: false,
  },
  {
    route: '/library/scripts',
    sorts: SCRIPT_COLUMNS,
    filters: SCRIPT_COLUMNS,
    fields: ['scripts', `${SCRIPT_COLUMNS} timeout_sec`],
    limit: [20, 100],
    filled: true,
  },
  {
    route: '/library/commands',
    sorts: COMMAND_COLUMNS,
    filters: COMMAND_COLUMNS,
    fields: ['commands', COMMAND_COLUMNS],
    limit: [20, 100],
    filled: true,
  },
  {
    route: '/auditlog',
    sorts: 'timestamp username remote_ip application action affected_id client_id client_hostname',
    filters:
      'username remote_ip application action affected_id client_id client_hostname timestamp[gt] timestamp[lt] ' +
      'timestamp[since] timestamp[until]',
    limit: [10, 100],
    filled: false,
  },
];

/** Names of columns somewhere, of something that is nowhere, and of what every object has. */
const NAMES = [
  ...new Set(
    lists.flatMap(({ sorts, filters, fields }) => [sorts, filters, fields?.[1] ?? ''].join(' ').split(' ')),
  ),
  'nope',
  'constructor',
  'password',
].filter((name) => name !== '' && !name.includes('['));
const ITEMS = 51;

let server: TestServer;
let api: ApiClient;

before(async () => {
  server = await TestServer.start({
    server: { auth: null },
    async prepare(dataDir) {
      const store = openStore(dataDir, { log: new MemoryLogger() });
      const now = '2026-01-01T00:00:00.000Z';
      const by = {
        createdBy: 'a',
        createdAt: now,
        updatedBy: 'a',
        updatedAt: now,
        tags: null,
        timeoutSec: 60,
      };
      const writes: Promise<unknown>[] = [];
      for (let n = 0; n < ITEMS; n++) {
        const entry = { ...by, id: `id-${n}`, name: `n-${n}` };
        writes.push(
          store.clients.put(clientRecord(`c-${n}`, { disconnectedAt: now, tags: [`tag-${n}`] })),
          store.clientGroups.put(clientGroup(`g-${n}`, {})),
          store.agentCredentials.add({ id: `auth-${n}`, password: 'secret' }),
          store.libraryCommands.add({ entry, text: 'x' }),
          store.libraryScripts.add({
            entry: { ...entry, interpreter: '', isSudo: false, cwd: '' },
            text: 'x',
          }),
        );
      }
      await Promise.all(writes);
      await store.close();
    },
  });
  api = server.api();
});
after(() => server?.remove());

const words = (text: string): string[] => text.split(' ').filter((word) => word !== '');
const delivered = lists.filter(({ route }) =>
  routes.some(({ method, path }) => method === 'GET' && path === route),
);

test('the lists of this server are looked at', () => {
  assert.ok(delivered.length >= 6);
});

for (const { route, path = route, sorts, filters, fields, limit, filled } of delivered) {
  const ask = (query: string) => api.get(`${path}?${query}`);
  const accepted = async (query: string): Promise<void> => {
    const answer = await ask(query);
    assert.equal(answer.status, 200, `${query}: ${answer.text}`);
  };

  test(`GET ${route}: sorts`, async () => {
    for (const name of words(sorts)) {
      await accepted(`sort=${name}`);
      await accepted(`sort=-${name}`);
    }
    const others = NAMES.filter((name) => !words(sorts).includes(name));
    const { titles } = await ask(others.map((name) => `sort=${name}`).join('&'));
    assert.deepEqual(
      titles,
      others.map((name) => `unsupported sort field '${name}'`),
    );
  });

  test(`GET ${route}: filters`, async () => {
    const columns = words(filters);
    for (const name of columns) {
      const [column, operator] = name.split('[');
      // Times with an operator are the only columns that want a certain kind of value.
      await accepted(
        operator === undefined ? `filter[${column}]=x` : `filter[${column}][${operator}=2026-01-01`,
      );
    }
    const plain = columns.filter((name) => !name.includes('['));
    await accepted('filter[*]=x');
    if (plain.length > 1) await accepted(`filter[${plain.slice(0, 2).join('|')}]=x*`);
    const others = NAMES.filter((name) => !plain.includes(name));
    const keys = [
      ...others.map((name) => `filter[${name}]`),
      ...['id', 'name', 'timestamp'].map((name) => `filter[${name}][eq]`),
      `filter[*|${plain[0] ?? 'id'}]`,
    ];
    const { titles } = await ask(keys.map((key) => `${key}=x`).join('&'));
    assert.deepEqual(
      titles,
      keys.map((key) => `unsupported filter field '${key}'`),
    );
  });

  test(`GET ${route}: fields`, async () => {
    if (fields === undefined) return accepted('fields[nope]=nope&fields[clients]=');
    const [resource, names] = fields;
    const supported = words(names);
    await accepted(`fields[${resource}]=${supported.join(',')}`);
    const others = NAMES.filter((name) => !supported.includes(name));
    const { titles } = await ask(`fields[${resource}]=${others.join(',')}&fields[nope]=id`);
    assert.deepEqual(titles, [
      ...others.map((name) => `unsupported field "${name}" for resource "${resource}"`),
      'unsupported resource in fields: "nope"',
    ]);
  });

  test(`GET ${route}: pages`, async () => {
    const [byDefault, most] = limit;
    if (filled) {
      const answer = await ask('');
      assert.deepEqual([answer.data<unknown[]>().length, answer.count], [byDefault, ITEMS]);
      assert.equal((await ask('page[limit]=')).data<unknown[]>().length, byDefault);
      const beyond = await ask(`page[offset]=${ITEMS}`);
      assert.deepEqual(beyond.json, { data: [], meta: { count: ITEMS } });
    }
    await accepted(`page[limit]=${most}`);
    assert.deepEqual((await ask(`page[limit]=${most + 1}&page[offset]=-1`)).titles, [
      `pagination limit too big (${most + 1}) maximum is ${most}`,
      'pagination offset must not be negative',
    ]);
    assert.deepEqual((await ask('page[limit]=0')).titles, ['pagination limit must be positive']);
  });
}
