import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Restriction } from '../../../src/auth/groups/group.js';
import {
  checkTunnelAcl,
  checkTunnelRequest,
  mayTerminateForeign,
  type Restrictions,
} from '../../../src/auth/restrictions/check-tunnel.js';
import { AppError } from '../../../src/errors.js';
import type { Remote } from '../../../src/tunnels/remote.js';
import { readTunnelRequest } from '../../../src/tunnels/request.js';
import { remote } from '../../support/remotes.js';

function refusal(check: () => void): string {
  try {
    check();
    return 'allowed';
  } catch (error) {
    assert.ok(error instanceof AppError);
    assert.deepEqual([error.status, error.apiCode, error.detail], [400, '', '']);
    return error.title;
  }
}

/** What `PUT /clients/{id}/tunnels` answers. */
function asked(restrictions: Restrictions, query: string, more: Partial<Remote> = {}): string {
  const parameters = new URLSearchParams(query);
  const parameter = (name: string): string | undefined => parameters.get(name) ?? undefined;
  // Protocols and proxies this server does not have yet are put in by `more`.
  const { remote } = readTunnelRequest({ get: parameter }, 'bert');
  return refusal(() => checkTunnelRequest(restrictions, { remote: { ...remote, ...more }, parameter }));
}

const not = (subject: string, allowed: string): string =>
  `Tunnel ${subject} is forbidden. Allowed values: [${allowed}]`;

const cases: readonly (readonly [Restriction, string, string])[] = [
  // local
  [{ local: ['20000', '20001'] }, 'remote=22&local=20001', 'allowed'],
  [{ local: ['20000'] }, 'remote=22&local=0.0.0.0:20000', 'allowed'],
  [{ local: ['20000'] }, 'remote=127.0.0.1:22&local=127.0.0.2:20000', 'allowed'],
  [{ local: ['127.0.0.2:20000'] }, 'remote=127.0.0.1:22&local=127.0.0.2:20000', 'allowed'],
  [{ local: ['0.0.0.0:20000'] }, 'remote=22&local=20000', 'allowed'],
  [
    { local: ['127.0.0.2:20000'] },
    'remote=22&local=20000',
    not('with parameter local=20000', '127.0.0.2:20000'),
  ],
  [{ local: ['20000'] }, 'remote=22&local=20002', not('with parameter local=20002', '20000')],
  [{ local: ['20000', '20001'] }, 'remote=22', not('without parameter local', '20000 20001')],
  [{ local: [] }, 'remote=22', 'allowed'],
  // remote
  [{ remote: ['22', '80'] }, 'remote=80', 'allowed'],
  [{ remote: ['22'] }, 'remote=10.0.0.5:22', 'allowed'],
  [{ remote: ['10.0.0.5:22'] }, 'remote=10.0.0.5:22', 'allowed'],
  [{ remote: ['127.0.0.1:22'] }, 'remote=22', 'allowed'],
  [{ remote: ['22'] }, 'remote=22/tcp', 'allowed'],
  [{ remote: ['22'] }, 'remote=3389', not('with parameter remote=3389', '22')],
  [
    { remote: ['10.0.0.5:22'] },
    'remote=10.0.0.6:22',
    not('with parameter remote=10.0.0.6:22', '10.0.0.5:22'),
  ],
  [{ remote: ['10.0.0.5:22'] }, 'remote=22', not('with parameter remote=22', '10.0.0.5:22')],
  // scheme
  [{ scheme: ['ssh', 'rdp'] }, 'remote=22&scheme=ssh', 'allowed'],
  [{ scheme: ['ssh'] }, 'remote=22&scheme=SSH', not('with parameter scheme=SSH', 'ssh')],
  [{ scheme: ['ssh'] }, 'remote=22', not('without parameter scheme', 'ssh')],
  // acl
  [{ acl: ['10.0.0.1', '192.0.2.0/24'] }, 'remote=22&acl=10.0.0.1', 'allowed'],
  [{ acl: ['10.0.0.1', '192.0.2.0/24'] }, 'remote=22&acl=192.0.2.7,10.0.0.1,192.0.2.128/25', 'allowed'],
  [{ acl: ['0.0.0.0/0'] }, 'remote=22&acl=203.0.113.5', 'allowed'],
  [
    { acl: ['192.0.2.0/24'] },
    'remote=22&acl=192.0.2.7,10.0.0.1',
    not('with parameter acl=192.0.2.7,10.0.0.1', '192.0.2.0/24'),
  ],
  [
    { acl: ['192.0.2.0/24'] },
    'remote=22&acl=192.0.0.0/16',
    not('with parameter acl=192.0.0.0/16', '192.0.2.0/24'),
  ],
  [{ acl: ['::/0'] }, 'remote=22&acl=192.0.2.7', not('with parameter acl=192.0.2.7', '::/0')],
  [{ acl: ['10.0.0.1'] }, 'remote=22', not('without parameter acl', '10.0.0.1')],
  // protocol
  [{ protocol: ['tcp'] }, 'remote=22', 'allowed'],
  [{ protocol: ['udp'] }, 'remote=22&protocol=tcp', not('with parameter protocol=tcp', 'udp')],
  [{ protocol: ['udp'] }, 'remote=22', not('with parameter protocol=tcp', 'udp')],
  // idle-timeout-minutes
  [{ 'idle-timeout-minutes': { min: '5', max: '10' } }, 'remote=22', 'allowed'],
  [{ idle_timeout_minutes: { min: 5, max: '10m' } }, 'remote=22&idle-timeout-minutes=10', 'allowed'],
  [
    { idle_timeout_minutes: { max: '10m' } },
    'remote=22&idle-timeout-minutes=11',
    'Tunnel with idle_timeout_minutes=11 is forbidden. Allowed value must be less than 10m',
  ],
  [
    { 'idle-timeout-minutes': { min: '6' } },
    'remote=22',
    'Tunnel with idle-timeout-minutes=5 is forbidden. Allowed value must be greater than 6',
  ],
  [
    { 'idle-timeout-minutes': { max: '10' } },
    'remote=22&skip-idle-timeout=true',
    'Tunnel with idle-timeout-minutes=0 is forbidden. Allowed value must be less than 10',
  ],
  [
    { 'idle-timeout-minutes': { max: '10' } },
    'remote=22&idle-timeout-minutes=0',
    'Tunnel with idle-timeout-minutes=0 is forbidden. Allowed value must be less than 10',
  ],
  [{ 'idle-timeout-minutes': { min: '10' } }, 'remote=22&skip-idle-timeout=true', 'allowed'],
  // auto-close
  [{ 'auto-close': { min: '5m', max: '60m' } }, 'remote=22&auto-close=1h', 'allowed'],
  [{ auto_close: { min: 5, max: 60 } }, 'remote=22&auto-close=5m', 'allowed'],
  [
    { 'auto-close': { max: '60m' } },
    'remote=22&auto-close=1h1s',
    'Tunnel with auto-close=1h1s is forbidden. Allowed value must be less than 60m',
  ],
  [
    { auto_close: { min: '5m' } },
    'remote=22&auto-close=4m59s',
    'Tunnel with auto_close=4m59s is forbidden. Allowed value must be greater than 5m',
  ],
  [
    { 'auto-close': { max: '60m' } },
    'remote=22',
    'Tunnel without parameter auto-close is forbidden. Allowed value must be less than 60m',
  ],
  [
    { 'auto-close': { max: '60m' } },
    'remote=22&auto-close=0',
    'Tunnel without parameter auto-close is forbidden. Allowed value must be less than 60m',
  ],
  [
    { 'auto-close': { min: '1m' } },
    'remote=22',
    'Tunnel without parameter auto-close is forbidden. Allowed value must be greater than 1m',
  ],
  [{ 'auto-close': { min: '0' } }, 'remote=22', 'allowed'],
  // skip-idle-timeout
  [{ 'skip-idle-timeout': true }, 'remote=22&skip-idle-timeout=true', 'allowed'],
  [{ 'skip-idle-timeout': false }, 'remote=22', 'allowed'],
  [{ 'skip-idle-timeout': false }, 'remote=22&skip-idle-timeout=0', 'allowed'],
  [
    { skip_idle_timeout: false },
    'remote=22&skip-idle-timeout=T',
    'Tunnel with skip_idle_timeout=true is forbidden. You are not allowed to set skip_idle_timeout value',
  ],
  [
    { 'skip-idle-timeout': false },
    'remote=22&idle-timeout-minutes=0',
    'Tunnel with skip-idle-timeout=true is forbidden. You are not allowed to set skip-idle-timeout value',
  ],
  // Of other routes.
  [{ terminate_foreign_tunnels: false }, 'remote=22', 'allowed'],
  // Keys that name a parameter without rules of its own.
  [{ name: '^ops-' }, 'remote=22&name=ops-1', 'allowed'],
  [
    { name: '^ops-' },
    'remote=22',
    "Tunnel with name= is forbidden. Allowed values must match '^ops-' regular expression",
  ],
  [
    { check_port: false },
    'remote=22&check_port=0',
    'Tunnel with check_port=0 is forbidden. You are not allowed to set check_port value',
  ],
  // A key nobody knows shows that it is misspelt.
  [{ lokal: ['20000'] }, 'remote=22&local=20000', not('without parameter lokal', '20000')],
];

for (const [restriction, query, expected] of cases) {
  test(`${JSON.stringify(restriction)}: ${query}`, () => assert.equal(asked([restriction], query), expected));
}

test('protocols of two in both spellings', () => {
  const both = { protocol: 'tcp+udp' } as const;
  assert.equal(asked([{ protocol: ['tcp-udp'] }], 'remote=22', both), 'allowed');
  assert.equal(asked([{ protocol: ['tcp+udp'] }], 'remote=22', both), 'allowed');
  assert.equal(
    asked([{ protocol: ['tcp', 'udp'] }], 'remote=22', both),
    not('with parameter protocol=tcp+udp', 'tcp udp'),
  );
});

test('the proxy in front of a tunnel', () => {
  const proxy = { httpProxy: true, scheme: 'http' } as const;
  const forbidden = (name: string, value: string): string =>
    `Tunnel with ${name}=${value} is forbidden. You are not allowed to set ${name} value`;
  assert.equal(asked([{ http_proxy: false }], 'remote=22', proxy), forbidden('http_proxy', 'true'));
  assert.equal(asked([{ 'http-proxy': false }], 'remote=22', proxy), forbidden('http-proxy', 'true'));
  assert.equal(asked([{ http_proxy: true }], 'remote=22', proxy), 'allowed');
  assert.equal(asked([{ http_proxy: false }], 'remote=22'), 'allowed');

  const host = { ...proxy, hostHeader: 'a.example' };
  assert.equal(asked([{ host_header: '\\.example$' }], 'remote=22', host), 'allowed');
  assert.equal(asked([{ host_header: '\\.example$' }], 'remote=22', proxy), 'allowed');
  assert.equal(
    asked([{ 'host-header': '\\.test$' }], 'remote=22', host),
    "Tunnel with host-header=a.example is forbidden. Allowed values must match '\\.test$' regular expression",
  );

  const login = { ...proxy, authUser: 'carl', authPassword: 'top secret' };
  assert.equal(asked([{ auth_allowed: true }], 'remote=22', login), 'allowed');
  assert.equal(asked([{ auth_allowed: false }], 'remote=22', proxy), 'allowed');
  assert.equal(asked([{ auth_allowed: false }], 'remote=22', login), forbidden('auth_user', 'carl'));
  assert.equal(
    asked([{ 'auth-allowed': false }], 'remote=22', { ...login, authUser: '' }),
    forbidden('auth_password', '***'),
  );
});

test('tricks with the spelling of local and remote lead nowhere (spec 05 §3.2)', () => {
  // The host in `local` becomes that of the target.
  assert.equal(
    asked([{ remote: ['127.0.0.1:22'] }], 'remote=22&local=10.0.0.9'),
    not('with parameter remote=10.0.0.9:22', '127.0.0.1:22'),
  );
  assert.equal(
    asked([{ remote: '^22$' }], 'remote=22&local=10.0.0.9'),
    "Tunnel with remote=10.0.0.9:22 is forbidden. Allowed values must match '^22$' regular expression",
  );
  // A second port in `remote` is that to listen on.
  assert.equal(
    asked([{ remote: ['3000'] }], 'remote=3000:22&local=0.0.0.0:3390'),
    not('with parameter remote=0.0.0.0:22', '3000'),
  );
  assert.equal(asked([{ local: ['20000'] }], 'remote=20002:22'), not('with parameter local=20002', '20000'));
  assert.equal(
    asked([{ local: ['20000'] }], 'remote=22&local=127.0.0.1'),
    not('without parameter local', '20000'),
  );
});

test('groups add up: one that allows the whole request is enough', () => {
  const web = { remote: ['80', '443'], scheme: ['http'] };
  const shell = { remote: ['22'], scheme: ['ssh'] };
  assert.equal(asked([web, shell], 'remote=22&scheme=ssh'), 'allowed');
  assert.equal(asked([web, shell], 'remote=443&scheme=http'), 'allowed');
  // Half of it from each is not.
  assert.equal(asked([web, shell], 'remote=22&scheme=http'), not('with parameter remote=22', '80 443'));
  assert.equal(asked(null, 'remote=1'), 'allowed');
  assert.notEqual(asked([], 'remote=1'), 'allowed');
});

test('both spellings of a key count', () => {
  const both = { 'auto-close': { max: '60m' }, auto_close: { max: '5m' } };
  assert.match(asked([both], 'remote=22&auto-close=10m'), /less than 5m$/);
});

test('what cannot be judged is forbidden', () => {
  for (const restriction of [
    { remote: 22 },
    { remote: [22] },
    { remote: null },
    { remote: '[' },
    { 'auto-close': { most: '5m' } },
    { 'auto-close': { max: {} } },
  ] as readonly Restriction[]) {
    const answer = asked([restriction], 'remote=22&auto-close=1m');
    assert.match(answer, /^The restriction of \S+ is unusable: ask an administrator$/);
  }
  assert.equal(
    asked([{ remote: { max: '5' } }], 'remote=10.0.0.1:22'),
    'parameter remote not parseable as time.duration',
  );
});

test('a change of the ACL is judged like a request for such a tunnel', () => {
  const ssh = remote('20000:127.0.0.1:22', { lportRandom: true, idleTimeoutMinutes: 5 });
  const change = (restrictions: Restrictions, acl: string | null, of: Remote = ssh): string =>
    refusal(() => checkTunnelAcl(restrictions, { ...of, acl }));
  const restriction = { remote: ['22'], acl: ['192.0.2.0/24'] };
  assert.equal(change([restriction], '192.0.2.9'), 'allowed');
  assert.equal(change([{ remote: ['22'], check_port: false, name: ['x'] }], null), 'allowed');
  assert.equal(change([restriction], '10.0.0.1'), not('with parameter acl=10.0.0.1', '192.0.2.0/24'));
  for (const nobody of [null, '']) {
    assert.equal(change([restriction], nobody), not('without parameter acl', '192.0.2.0/24'));
  }
  assert.equal(change(null, null), 'allowed');
  // Somebody else's tunnel, to where the caller may open none.
  const desktop = remote('20000:127.0.0.1:3389', { owner: 'admin' });
  assert.equal(change([{ remote: ['22'] }], null, desktop), not('with parameter remote=3389', '22'));
  // What one group allows with certain lists only, another group must not allow to change.
  const both = [restriction, { remote: ['80'] }];
  assert.equal(change(both, '192.0.2.9'), 'allowed');
  assert.equal(change(both, null), not('without parameter acl', '192.0.2.0/24'));
  // The server chose the port; nobody asked for it.
  assert.equal(change([{ local: ['20000'] }], '192.0.2.9'), not('without parameter local', '20000'));
  assert.equal(
    change([{ 'auto-close': { max: '1h' } }], null, { ...ssh, autoClose: 7_200_000_000_000 }),
    'Tunnel with auto-close=2h0m0s is forbidden. Allowed value must be less than 1h',
  );
});

test('tunnels of others may be closed unless every group forbids it', () => {
  const forbids = { terminate_foreign_tunnels: false };
  assert.equal(mayTerminateForeign(null), true);
  assert.equal(mayTerminateForeign([{ remote: ['22'] }]), true);
  assert.equal(mayTerminateForeign([forbids, { 'Terminate-Foreign-Tunnels': true }]), true);
  assert.equal(mayTerminateForeign([forbids]), false);
  assert.equal(mayTerminateForeign([{ 'terminate-foreign-tunnels': false }]), false);
  assert.equal(mayTerminateForeign([{ terminate_foreign_tunnels: 'yes' }]), false);
});

test('hostile values cost no more than their length', () => {
  const long = `${'a'.repeat(200_000)}!`;
  const started = process.hrtime.bigint();
  for (const pattern of ['(a+)+$', '(a|aa)+$', '(.*a){25}$', '^(([a-z])+.)+[A-Z]([a-z])+$']) {
    const answer = asked([{ note: pattern }], `remote=22&note=${long}`);
    assert.ok(answer.length < 1000);
  }
  // Backtracking would take longer than the universe is old.
  assert.ok(process.hrtime.bigint() - started < 20_000_000_000n);
});
