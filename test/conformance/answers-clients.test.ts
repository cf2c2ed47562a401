/**
 * What the reference's description says of answers about clients, their tunnels and what they measure. Spec 03 §2.2,
 * 05 §2.2, 06 §3. The agent has sent all that agents send.
 */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { ApiClient } from '../support/api-client.js';
import { eventually } from '../support/eventually.js';
import { onEveryShard } from '../support/every-shard.js';
import { assertAllLookedAt, assertDescribed } from '../support/reference-answers.js';
import { TestServer } from '../support/server.js';

const HOUR = 3_600_000;
const CARD = { name: 'eth0', max_speed: 1000 };

/** All that the reference names, by the names of its fields. */
const FIELDS =
  'id,name,os,os_full_name,os_version,os_arch,os_family,os_kernel,os_virtualization_system,' +
  'os_virtualization_role,hostname,cpu_family,cpu_model,cpu_vendor,cpu_model_name,num_cpus,mem_total,timezone,ipv4,' +
  'ipv6,tags,labels,version,address,tunnels,connection_state,disconnected_at,last_heartbeat_at,client_auth_id,' +
  'allowed_user_groups,updates_status,ip_addresses,client_configuration,groups';

let server: TestServer;
let api: ApiClient;

before(async () => {
  server = await TestServer.start();
  api = server.api();
  const agent = await server.agent(
    'c1',
    { ClientConfiguration: { client: {}, monitoring: { lan_card: CARD, wan_card: CARD } } },
    {
      onRequest: (name) =>
        name === 'update_client_metadata' ? { ok: true, payload: '{"status":"OK"}' } : undefined,
    },
  );
  const other = await server.agent('gone');
  await server.untilKnown('c1');
  await server.untilKnown('gone');
  other.destroy();
  await server.untilGone('gone');
  const send = (name: string, payload: object): void => agent.notify(name, JSON.stringify(payload));
  const summary = {
    title: 'linux-image',
    description: 'Debian-security',
    reboot_required: true,
    is_security_update: true,
  };
  send('updates_status', {
    refreshed: '2024-05-01T12:00:00.5+02:00',
    updates_available: 2,
    security_updates_available: 1,
    update_summaries: [summary],
    reboot_pending: true,
    error: 'apt failed',
    hint: 'look at apt',
  });
  send('ip_addresses', { ipv4: '203.0.113.7', ipv6: '2001:db8::7', updated_at: '2024-05-01T12:00:00Z' });
  send('save_measurement', {
    cpu_usage_percent: 12.5,
    memory_usage_percent: 61.2,
    io_usage_percent: 0.5,
    processes: '[{"pid":1,"parent_pid":0,"name":"init"}]',
    mountpoints: '{"free_b./":1,"total_b./":2}',
    net_lan: { in: 3000, out: 2000 },
    net_wan: { in: 30, out: 20 },
  });
  await onEveryShard('all of it to be known', async () => {
    const { text } = await api.get('/clients/c1');
    return text.includes('look at apt') && text.includes('2001:db8::7');
  });
  await eventually('what was measured', async () => (await api.get('/clients/c1/metrics')).count === 1);
});
after(() => server?.remove());

/** Where the description of a client is wrong, below `at`. */
const clientTypes = (at: string): Record<string, string> => ({
  // It has only been connected, and has not answered a ping yet.
  [`${at}.disconnected_at`]: 'time|null',
  [`${at}.last_heartbeat_at`]: 'time|null',
  // Only `GET /tunnels` says whose a tunnel is (spec 05 §2.2).
  [`${at}.tunnels[].client_id`]: 'absent',
  // It is sent under the name that agents give it.
  [`${at}.updates_status.updates_summaries`]: 'absent',
  [`${at}.updates_status.update_summaries`]: 'array',
  [`${at}.updates_status.update_summaries[].title`]: 'string',
  [`${at}.updates_status.update_summaries[].description`]: 'string',
  [`${at}.updates_status.update_summaries[].reboot_required`]: 'boolean',
  [`${at}.updates_status.update_summaries[].is_security_update`]: 'boolean',
  [`${at}.ext_ip_addresses.errors`]: 'absent',
  [`${at}.ext_ip_addresses.error`]: 'string',
  // Not described at all.
  [`${at}.groups`]: 'array',
});

test('tunnels', async () => {
  const query = 'remote=127.0.0.1:9&check_port=0&scheme=http&acl=127.0.0.1';
  const made = await api.put(`/clients/c1/tunnels?${query}`);
  assertDescribed('PUT /clients/{client_id}/tunnels', made, { types: { 'data.client_id': 'absent' } });
  const path = `/clients/c1/tunnels/${made.data<{ id: string }>().id}`;
  assertDescribed('GET /tunnels', await api.get('/tunnels'));
  const body = { acl: '127.0.0.1,127.0.0.2' };
  assertDescribed('PUT /clients/{client_id}/tunnels/{tunnel_id}/acl', await api.put(`${path}/acl`, { body }));
  assertDescribed('DELETE /clients/{client_id}/tunnels/{tunnel_id}', await api.delete(path));
});

test('access and attributes', async () => {
  const acl = { allowed_user_groups: ['Administrators'] };
  assertDescribed('POST /clients/{client_id}/acl', await api.post('/clients/c1/acl', { body: acl }));
  const path = '/clients/c1/attributes';
  const body = { tags: ['web'], labels: { city: 'Bonn' } };
  assertDescribed('PUT /clients/{client_id}/attributes', await api.put(path, { body }));
  // Described without its envelope.
  assertDescribed('GET /clients/{client_id}/attributes', await api.get(path), {
    types: {
      tags: 'absent',
      labels: 'absent',
      data: 'object',
      'data.tags': 'array',
      'data.tags[]': 'string',
      'data.labels': 'object',
      'data.labels.city': 'string',
    },
  });
  assertDescribed('GET /client-tags', await api.get('/client-tags'));
});

test('clients', async () => {
  const opened = await api.put(
    '/clients/c1/tunnels?remote=127.0.0.1:9&check_port=0&scheme=http&acl=127.0.0.1',
  );
  assert.equal(opened.status, 200);
  assertDescribed('GET /clients', await api.get(`/clients?fields[clients]=${FIELDS}`), {
    types: clientTypes('data[]'),
  });
  assertDescribed('GET /clients/{client_id}', await api.get('/clients/c1'), { types: clientTypes('data') });
  const gone = (await api.get('/clients/gone')).data<{ disconnected_at: unknown }>();
  assert.equal(typeof gone.disconnected_at, 'string');
  assertDescribed('DELETE /clients/{client_id}', await api.delete('/clients/gone'));
});

test('looking for updates', async () => {
  assertDescribed('POST /clients/{client_id}/updates-status', await api.post('/clients/c1/updates-status'));
});

/** Described for 201, which the reference does not answer (spec 03 §9). */
const STORED_TUNNEL = {
  data: 'object',
  'data.id': 'string',
  'data.created_at': 'time',
  'data.name': 'string',
  'data.remote_ip': 'string',
  'data.remote_port': 'integer',
  'data.public_port': 'integer',
  'data.scheme': 'string',
  'data.acl': 'string',
  'data.further_options': 'object',
};

test('stored tunnels', async () => {
  const path = '/clients/c1/stored-tunnels';
  const body = {
    name: 'web',
    remote_ip: '127.0.0.1',
    remote_port: 80,
    public_port: 20_080,
    scheme: 'http',
    acl: '127.0.0.1',
    further_options: { a: 1 },
  };
  const made = await api.post(path, { body });
  assertDescribed('POST /clients/{client_id}/stored-tunnels', made, { status: 200, types: STORED_TUNNEL });
  assertDescribed('GET /clients/{client_id}/stored-tunnels', await api.get(path));
  const own = `${path}/${made.data<{ id: string }>().id}`;
  assertDescribed('PUT /clients/{client_id}/stored-tunnels/{id}', await api.put(own, { body }));
  assertDescribed('DELETE /clients/{client_id}/stored-tunnels/{id}', await api.delete(own));
});

test('what was measured', async () => {
  assertDescribed('GET /clients/{client_id}/metrics', await api.get('/clients/c1/metrics'));
  // Described as texts that hold JSON; it is embedded (spec 06 §3.3).
  assertDescribed('GET /clients/{client_id}/mountpoints', await api.get('/clients/c1/mountpoints'), {
    types: { 'data[].mountpoints': 'object' },
  });
  assertDescribed('GET /clients/{client_id}/processes', await api.get('/clients/c1/processes'), {
    types: { 'data[].processes': 'array', 'data[].processes[]': 'object' },
  });
});

test('graphs', async () => {
  const [since, until] = [-HOUR, HOUR].map((by) => new Date(Date.now() + by).toISOString());
  const query = `filter[timestamp][since]=${since}&filter[timestamp][until]=${until}`;
  const path = '/clients/c1/graph-metrics';
  assertDescribed('GET /clients/{client_id}/graph-metrics', await api.get(`${path}?${query}`));
  const keys = {
    cpu_usage_percent: 'cpu_usage_percent',
    mem_usage_percent: 'memory_usage_percent',
    io_usage_percent: 'io_usage_percent',
    net_usage_percent_lan: 'net_usage_percent_lan',
    net_usage_bps_lan: 'net_usage_bps_lan',
    net_usage_percent_wan: 'net_usage_percent_wan',
    net_usage_bps_wan: 'net_usage_bps_wan',
  };
  for (const [name, own] of Object.entries(keys)) {
    // One graph has its own key only, of all that are described.
    const others = Object.values(keys).filter((key) => key !== own);
    assertDescribed(
      'GET /clients/{client_id}/graph-metrics/{graph_name}',
      await api.get(`${path}/${name}?${query}`),
      { types: Object.fromEntries(others.map((key) => [`data[].${key}`, 'absent'])) },
    );
  }
});

test('every operation of the area was looked at, but for commands', () => {
  assertAllLookedAt(/^\/(?:clients|client-tags|tunnels)(?:$|\/(?!.*(?:commands|scripts)))/);
});
