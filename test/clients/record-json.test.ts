import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientFields, clientWriter } from '../../src/clients/record-json.js';
import { tunnelId } from '../../src/ids.js';
import { clientRecord } from '../support/client-record.js';

const write = clientWriter(undefined);

test('a client that reported nothing optional has all 34 keys in their order', () => {
  const text = write({ record: clientRecord('c-1'), heartbeat: null, groups: [] });
  assert.equal(
    text,
    '{"id":"c-1","name":"Client c-1","address":"198.51.100.7","hostname":"host-c-1",' +
      '"os":"Linux host 6.1.0 x86_64","os_full_name":"Debian 12","os_version":"12","os_arch":"amd64",' +
      '"os_family":"debian","os_kernel":"linux","os_virtualization_system":"kvm",' +
      '"os_virtualization_role":"guest","num_cpus":2,"cpu_family":"6","cpu_model":"85",' +
      '"cpu_model_name":"Example CPU @ 2.10GHz","cpu_vendor":"GenuineIntel","mem_total":4102447104,' +
      '"timezone":"UTC (UTC+00:00)","client_auth_id":"fleet","version":"1.0.0","disconnected_at":null,' +
      '"last_heartbeat_at":null,"connection_state":"connected","ipv4":["10.0.0.7"],"ipv6":null,"tags":null,' +
      '"allowed_user_groups":null,"tunnels":[],"updates_status":null,"ext_ip_addresses":null,' +
      '"client_configuration":null,"groups":[],"labels":null}',
  );
  assert.equal(clientFields.length, 34);
});

test('optional parts have the form of spec 03 §4.1', () => {
  const record = clientRecord('c-1', {
    name: '<a&b>\u2028',
    labels: { 9: '4', 10: '5', zeta: '1', Alpha: '2', ['__proto__']: '3' },
    disconnectedAt: '2026-01-02T03:04:05.120Z',
    allowedUserGroups: [],
    extIpAddresses: { ipv4: '203.0.113.1', ipv6: '', updatedAt: '2026-01-01T00:00:00.000Z', error: '' },
    updatesStatus: {
      refreshed: '2026-01-01T00:00:00.123456789+02:00',
      updatesAvailable: 1,
      securityUpdatesAvailable: 0,
      updateSummaries: [{ title: 't', description: 'd', rebootRequired: true, isSecurityUpdate: false }],
      rebootPending: false,
      error: '',
      hint: 'run it',
    },
    clientConfiguration: '{"client":{"auth":""}}',
    tunnels: [
      {
        id: tunnelId('3'),
        createdAt: '2026-01-01T00:00:00.000Z',
        name: '',
        protocol: 'tcp',
        lhost: '0.0.0.0',
        lport: '23417',
        lportRandom: true,
        owner: 'admin',
        rhost: '127.0.0.1',
        rport: '22',
        scheme: 'ssh',
        acl: null,
        idleTimeoutMinutes: 5,
        autoClose: 0,
        httpProxy: false,
        hostHeader: '',
        authUser: '',
        authPassword: '',
        tunnelUrl: '',
      },
    ],
  });
  const some = clientWriter([
    'labels',
    'client_configuration',
    'ip_addresses',
    'updates_status',
    'tunnels',
    'allowed_user_groups',
    'connection_state',
    'disconnected_at',
    'name',
  ]);
  assert.equal(
    some({ record, heartbeat: null, groups: [] }),
    '{"name":"\\u003ca\\u0026b\\u003e\\u2028","disconnected_at":"2026-01-02T03:04:05.12Z",' +
      '"connection_state":"disconnected","allowed_user_groups":[],' +
      '"tunnels":[{"id":"3","name":"","protocol":"tcp","lhost":"0.0.0.0","lport":"23417","lport_random":true,' +
      '"owner":"admin","rhost":"127.0.0.1","rport":"22","scheme":"ssh","acl":null,"idle_timeout_minutes":5,' +
      '"auto_close":0,"http_proxy":false,"host_header":"","auth_user":"","auth_password":"","tunnel_url":"",' +
      '"created_at":"2026-01-01T00:00:00Z"}],' +
      '"updates_status":{"refreshed":"2026-01-01T00:00:00.123456789+02:00","updates_available":1,' +
      '"security_updates_available":0,"update_summaries":[{"title":"t","description":"d",' +
      '"reboot_required":true,"is_security_update":false}],"reboot_pending":false,"hint":"run it"},' +
      '"ext_ip_addresses":{"ipv4":"203.0.113.1","ipv6":"","updated_at":"2026-01-01T00:00:00Z","error":""},' +
      '"client_configuration":{"client":{"auth":""}},' +
      '"labels":{"10":"5","9":"4","Alpha":"2","__proto__":"3","zeta":"1"}}',
  );
});
