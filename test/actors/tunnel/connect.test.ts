import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { connectFailureText, openTunnelsAtConnect } from '../../../src/actors/tunnel/connect.js';
import { tunnelRecords } from '../../../src/actors/tunnel/list.js';
import type { Remote, TunnelRecord } from '../../../src/tunnels/remote.js';
import { remoteText } from '../../../src/tunnels/remote-text.js';
import { echoSession, type FakeSession, failure, success } from '../../support/fake-session.js';
import { occupy } from '../../support/free-ports.js';
import { remote, tunnel } from '../../support/remotes.js';
import { type TunnelOwner, tunnelOwner, user } from '../../support/tunnel-owner.js';

describe('tunnels at the connection of a client (spec 05 §11)', () => {
  let owner: TunnelOwner;
  let session: FakeSession;
  beforeEach(async () => {
    owner = await tunnelOwner();
    session = echoSession();
  });
  afterEach(() => owner.stop());

  const open = (requested: readonly Remote[], old: readonly TunnelRecord[] | null, version = '1.0.0') =>
    openTunnelsAtConnect(owner.ctx, owner.deps, owner.list, { session, version, requested, old });
  const failureOf = (work: Promise<unknown>): Promise<string> =>
    work.then(() => 'accepted', connectFailureText);
  /** An old tunnel on a port chosen here. */
  const random = (id: string, target: string, port: number | undefined): TunnelRecord =>
    tunnel(id, remote(`${port}:${target}`, { lportRandom: true, name: `old ${id}` }));

  it('a new client gets what it asks for, without being asked anything', async () => {
    const [port] = owner.allowed;
    // The explicit port first: a random one could be the same.
    const result = await open([remote(`${port}:h:80`), remote('22')], null, 'not a version');
    const [, second] = result.remotes;
    assert.ok(owner.allowed.includes(Number(second?.lport)));
    assert.equal(result.remotes.length, 2);
    assert.deepEqual(session.requests, []);
    assert.deepEqual(tunnelRecords(owner.list), result.remotes);
    (await user(port ?? 0)).destroy();
  });

  it('old tunnels come back after the requested ones, random ones on their former port, ids go on', async () => {
    owner.list.lastId = 7;
    const [first, second, third] = owner.allowed;
    const old = [
      random('3', 'a:1', first),
      tunnel('4', remote(`${second}:b:2`)),
      tunnel('5', remote(`${third}:c:3`)),
    ];
    const result = await open([remote(`${third}:c:3`)], old);
    assert.deepEqual(
      tunnelRecords(owner.list).map((record) => [
        record.id,
        remoteText(record),
        record.lportRandom,
        record.name,
      ]),
      [
        ['8', `0.0.0.0:${third}:c:3`, false, ''],
        ['9', `0.0.0.0:${first}:a:1`, true, 'old 3'],
        ['10', `0.0.0.0:${second}:b:2`, false, ''],
      ],
    );
    assert.equal(result.remotes.length, 3);
  });

  it('a random one whose port is gone gets another', async () => {
    const foreign = await occupy(owner.allowed[0]);
    const result = await open([], [random('1', 'a:1', owner.allowed[0])]);
    assert.ok(owner.allowed.slice(1).includes(Number(result.remotes[0]?.lport)));
    await foreign.free();
  });

  it('an old one that cannot start is skipped, and named', async () => {
    const foreign = await occupy(owner.allowed[0]);
    const old = [
      tunnel('1', remote(`${owner.allowed[0]}:a:1`)),
      tunnel('2', remote('1:b:2')),
      random('3', 'c:3', owner.allowed[1]),
    ];
    const result = await open([], old);
    assert.deepEqual(
      result.skipped.map((one) => one.reason),
      [`Local port ${owner.allowed[0]} already in use.`, 'Local port 1 is not among allowed ports.'],
    );
    assert.deepEqual(
      result.remotes.map((one) => one.rhost),
      ['c'],
    );
    assert.equal(owner.errors.length, 2);
    await foreign.free();
  });

  it('a requested one that cannot start keeps the client out, in the words of spec 01 §6.5', async () => {
    const foreign = await occupy(owner.allowed[0]);
    const [port] = owner.allowed;
    assert.equal(await failureOf(open([remote(`${port}:a:1`)], null)), `Local port ${port} already in use.`);
    assert.equal(await failureOf(open([remote('1:a:1')], null)), 'Local port 1 is not among allowed ports.');
    assert.equal(
      await failureOf(open([remote('22', { lhost: 'h', lport: 'x' })], null)),
      'strconv.Atoi: parsing "x": invalid syntax',
    );
    assert.equal(await failureOf(open([remote('22', { acl: 'x' })], null)), 'invalid IP addr: x');
    assert.match(
      await failureOf(open([remote(`192.0.2.9:${owner.allowed[1]}:h:1`)], null)),
      /^unable to start tunnel: /,
    );
    await foreign.free();
  });

  it('the same remote twice is one tunnel', async () => {
    const one = remote(`${owner.allowed[0]}:h:1`);
    const result = await open([one, one], null);
    assert.equal(owner.list.running.size, 1);
    assert.equal(result.remotes.length, 2);
  });

  it('protocols not carried are skipped and do not keep the client out', async () => {
    const result = await open(
      [remote('53/udp'), remote('22')],
      [tunnel('1', remote('53/udp')), tunnel('2', remote('9:9/udp'))],
    );
    assert.deepEqual(
      result.remotes.map((one) => one.rport),
      ['22'],
    );
    assert.deepEqual(
      result.skipped.map((one) => one.reason),
      ['protocol udp is not supported'],
    );
  });

  it('a tunnel behind a password never comes back without it', async () => {
    const secret = remote(`${owner.allowed[0]}:h:80`, { httpProxy: true, authUser: 'a', authPassword: 'b' });
    const result = await open([secret], null);
    assert.deepEqual(result.remotes, []);
    assert.equal((await open([], [tunnel('1', secret)])).skipped.length, 1);
    assert.equal(owner.list.running.size, 0);
  });

  it('agents from 0.6.4 on are asked for each old one; denied ones are dropped', async () => {
    const asked: string[] = [];
    session = echoSession({
      onRequest(_name, payload) {
        asked.push(payload);
        return success({ IsAllowed: !payload.includes('a:1') });
      },
    });
    const old = [random('1', 'a:1', owner.allowed[0]), random('2', 'b:2', owner.allowed[1])];
    const result = await open([], old, '0.6.4');
    assert.deepEqual(asked, ['{"Remote":"a:1"}', '{"Remote":"b:2"}']);
    assert.deepEqual(
      result.remotes.map((one) => one.rhost),
      ['b'],
    );
    assert.deepEqual(result.skipped, []);
  });

  it('a slow agent is asked for 15 s in all; what it has not allowed by then is skipped, and named', async () => {
    session = echoSession({
      onRequest() {
        const { length } = session.requests;
        owner.clock.advance(length === 3 ? 1_000 : 7_000);
        return length === 3 ? new Promise(() => undefined) : success({ IsAllowed: true });
      },
    });
    const old = ['a', 'b', 'c', 'd'].map((host, place) =>
      random(`${place + 1}`, `${host}:1`, owner.allowed[place]),
    );
    const result = await open([], old);
    assert.equal(session.requests.length, 3);
    assert.deepEqual(
      result.remotes.map((one) => one.rhost),
      ['a', 'b'],
    );
    assert.deepEqual(
      result.skipped.map(({ remote, reason }) => [remote.rhost, reason]),
      ['c', 'd'].map((host) => [host, 'the agent did not say within 15 s whether it is allowed']),
    );
    assert.equal(owner.errors.length, 2);
  });

  for (const version of ['0.6.3', '0.0.0-src']) {
    it(`${version} is not asked`, async () => {
      const result = await open([], [random('1', 'a:1', owner.allowed[0])], version);
      assert.equal(result.remotes.length, 1);
      assert.deepEqual(session.requests, []);
    });
  }

  it('an agent that does not know the question keeps its tunnels', async () => {
    session = echoSession({ onRequest: () => failure('unknown request') });
    assert.equal((await open([], [random('1', 'a:1', owner.allowed[0])])).remotes.length, 1);
  });

  it('an agent that fails to answer, or has no proper version, is refused', async () => {
    session = echoSession({ onRequest: () => failure('lookup a: no such host') });
    const old = [random('1', 'a:1', owner.allowed[0])];
    assert.equal(
      await failureOf(open([], old)),
      'failed to filter tunnels: client error: lookup a: no such host',
    );
    assert.equal(
      await failureOf(open([], old, '')),
      'failed to determine client version: Malformed version: ',
    );
    assert.equal(
      await failureOf(open([], [], 'abc')),
      'failed to determine client version: Malformed version: abc',
    );
    assert.equal(owner.list.running.size, 0);
  });

  it('none come back when the configuration of the agent has changed', async () => {
    const result = await open([remote('new:1')], [random('1', 'a:1', owner.allowed[0])]);
    assert.deepEqual(
      result.remotes.map((one) => one.rhost),
      ['new'],
    );
  });
});
