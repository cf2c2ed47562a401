import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { deleteTunnel, setTunnelAcl } from '../../../src/actors/tunnel/change.js';
import { tunnelRecords } from '../../../src/actors/tunnel/list.js';
import { AppError } from '../../../src/errors.js';
import { tunnelId } from '../../../src/ids.js';
import { type RequestReply, SessionError } from '../../../src/protocol/session.js';
import { echoSession, FakeSession, failure, success } from '../../support/fake-session.js';
import { occupy } from '../../support/free-ports.js';
import { remote } from '../../support/remotes.js';
import { readAll, type TunnelOwner, tunnelOwner, user } from '../../support/tunnel-owner.js';

/** `status title`, with detail and code where there are any. */
async function refusal(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    assert.ok(error instanceof AppError, String(error));
    return [`${error.status} ${error.title}`, error.detail, error.apiCode]
      .filter((part) => part !== '')
      .join(' | ');
  }
  return 'accepted';
}

const answering = (replies: Readonly<Record<string, RequestReply | Error>>): FakeSession =>
  new FakeSession({
    onRequest(name) {
      const reply = replies[name] ?? success({ IsAllowed: true, Open: true });
      if (reply instanceof Error) throw reply;
      return reply;
    },
  });

describe('creating a tunnel (spec 05 §26.2)', () => {
  let owner: TunnelOwner;
  beforeEach(async () => {
    owner = await tunnelOwner();
  });
  afterEach(() => owner.stop());

  it('asks the agent first, in the words agents know', async () => {
    const session = echoSession();
    await owner.create(session, remote('web.local:80'));
    assert.deepEqual(session.requests, [
      { name: 'check_tunnel_allowed', payload: '{"Remote":"web.local:80"}' },
      { name: 'check_port', payload: '{"HostPort":"web.local:80","Timeout":2000000000}' },
    ]);
  });

  it('13: without the port check when that is not wanted', async () => {
    const session = echoSession();
    await owner.create(session, remote('80'), false);
    assert.deepEqual(
      session.requests.map((request) => request.name),
      ['check_tunnel_allowed'],
    );
  });

  it('15: random ports are allowed ones, listening when the answer comes; ids count up', async () => {
    const session = echoSession();
    for (const id of ['1', '2', '3']) {
      const record = await owner.create(session, remote(`h${id}:22`, { owner: 'bob' }));
      assert.equal(record.id, id);
      assert.ok(owner.allowed.includes(Number(record.lport)));
      assert.deepEqual([record.lhost, record.lportRandom, record.owner], ['0.0.0.0', true, 'bob']);
      assert.equal(record.createdAt, new Date(owner.clock.now()).toISOString());
      (await user(record.lport)).destroy();
    }
    assert.deepEqual(
      tunnelRecords(owner.list).map((record) => record.id),
      ['1', '2', '3'],
    );
  });

  it('keeps an explicit address as given', async () => {
    const text = `127.0.0.1:0${owner.allowed[0]}:h:22`;
    const record = await owner.create(echoSession(), remote(text));
    assert.deepEqual(
      [record.lhost, record.lport, record.lportRandom],
      ['127.0.0.1', `0${owner.allowed[0]}`, false],
    );
    (await user(record.lport)).destroy();
  });

  const agentAnswers: readonly (readonly [string, Readonly<Record<string, RequestReply | Error>>, string])[] =
    [
      [
        '11: denies',
        { check_tunnel_allowed: success({ IsAllowed: false }) },
        '400 Tunnel destination is not allowed by client configuration.',
      ],
      [
        'answers nothing in particular',
        { check_tunnel_allowed: success({}) },
        '400 Tunnel destination is not allowed by client configuration.',
      ],
      ['11: does not know the question', { check_tunnel_allowed: failure('unknown request') }, 'accepted'],
      ['spells keys its own way', { check_tunnel_allowed: success({ isallowed: true }) }, 'accepted'],
      [
        '11: fails',
        { check_tunnel_allowed: failure('lookup x: no such host') },
        '500 client error: lookup x: no such host',
      ],
      [
        'is slow',
        { check_tunnel_allowed: new SessionError('timeout', 'no reply') },
        '500 failed to send request: no reply',
      ],
      ['is gone', { check_port: new SessionError('closed', 'EOF') }, '500 failed to send request: EOF'],
      [
        'talks nonsense',
        { check_tunnel_allowed: { ok: true, payload: Buffer.from('{') } },
        '500 invalid client response format: failed to decode response into *comm.CheckTunnelAllowedResponse: invalid JSON',
      ],
      [
        'answers without end',
        {
          check_tunnel_allowed: {
            ok: true,
            payload: Buffer.from(`{"IsAllowed":true}${' '.repeat(1_000_000)}x`),
          },
        },
        'accepted',
      ],
      [
        'answers a list',
        { check_port: success([]) },
        '409 invalid client response format: failed to decode response into *comm.CheckPortResponse: not an object',
      ],
      [
        '13: finds the port closed',
        { check_port: success({ Open: false, ErrMsg: 'connection refused' }) },
        '400 Port 22 is not in listening state. | connection refused | ERR_CODE_REMOTE_PORT_NOT_OPEN',
      ],
      ['13: cannot check the port', { check_port: failure('oops') }, '409 client error: oops'],
    ];
  for (const [what, replies, expected] of agentAnswers) {
    it(`when the agent ${what}`, async () => {
      assert.equal(await refusal(owner.create(answering(replies), remote('22'))), expected);
      if (expected !== 'accepted') assert.equal(owner.list.running.size, 0);
    });
  }

  it('cuts what an agent may put into an answer', async () => {
    const session = answering({ check_tunnel_allowed: failure('x'.repeat(1_000_000)) });
    assert.ok((await refusal(owner.create(session, remote('22')))).length < 3_000);
  });

  it('12: the same tunnel, and the same target, only once', async () => {
    const session = echoSession();
    const explicit = remote(`${owner.allowed[0]}:22`);
    await owner.create(session, explicit);
    assert.equal(
      await refusal(owner.create(session, explicit)),
      '400 Tunnel already exist. | ERR_CODE_TUNNEL_EXIST',
    );
    const again = '400 Tunnel to port 22 already exists. | ERR_CODE_TUNNEL_TO_PORT_EXIST';
    assert.equal(await refusal(owner.create(session, remote('22'))), again);
    assert.equal(await refusal(owner.create(session, remote('22', { acl: '127.0.0.1' }))), 'accepted');
    assert.equal(await refusal(owner.create(session, remote('22', { acl: '127.0.0.1' }))), again);
    assert.equal(await refusal(owner.create(session, remote('h:22'))), 'accepted');
  });

  it('also when both are asked for at once', async () => {
    const session = echoSession();
    const outcomes = await Promise.all([1, 2, 3].map(() => refusal(owner.create(session, remote('22')))));
    assert.equal(outcomes.filter((outcome) => outcome === 'accepted').length, 1);
    assert.equal(owner.list.running.size, 1);
  });

  it('14: local ports', async () => {
    const session = echoSession();
    const [first] = owner.allowed;
    const foreign = await occupy(first);
    assert.equal(
      await refusal(owner.create(session, remote(`${first}:22`))),
      `400 Port ${first} already in use. | ERR_CODE_LOCAL_PORT_IN_USE`,
    );
    await foreign.free();
    assert.equal(await refusal(owner.create(session, remote(`${first}:22`))), 'accepted');
    assert.equal(
      await refusal(owner.create(session, remote(`127.0.0.1:${first}:other:22`))),
      `400 Port ${first} already in use. | ERR_CODE_LOCAL_PORT_IN_USE`,
    );
    assert.equal(
      await refusal(owner.create(session, remote('99999:h:22'))),
      '400 Local port 99999 is not among allowed ports.',
    );
  });

  it('14: a forbidden port that is in use is called in use', {
    skip: process.platform !== 'linux',
  }, async () => {
    const foreign = await occupy();
    assert.equal(
      await refusal(owner.create(echoSession(), remote(`${foreign.port}:22`))),
      `400 Port ${foreign.port} already in use. | ERR_CODE_LOCAL_PORT_IN_USE`,
    );
    await foreign.free();
  });

  it('a number too large for a port is one that cannot be read', async () => {
    const digits = '9'.repeat(20);
    assert.equal(
      await refusal(owner.create(echoSession(), remote(`${digits}:22`))),
      `400 Invalid port: ${digits}. | strconv.Atoi: parsing "${digits}": value out of range`,
    );
  });

  it('14: no port left', async () => {
    const session = echoSession();
    for (const port of owner.allowed) await owner.create(session, remote(`h${port}:1`));
    assert.equal(await refusal(owner.create(session, remote('last:1'))), '500 no ports available');
    await deleteTunnel(owner.ctx, owner.list, tunnelId('2'), false);
    assert.equal(await refusal(owner.create(session, remote('last:1'))), 'accepted');
  });

  it('an address this machine does not have', async () => {
    const text = await refusal(owner.create(echoSession(), remote(`192.0.2.9:${owner.allowed[0]}:h:22`)));
    assert.match(text, /^409 unable to start tunnel: .*EADDRNOTAVAIL/);
    assert.equal((await owner.create(echoSession(), remote('22'))).id, '2', 'a failed start uses up an id');
  });
});

describe('a running tunnel', () => {
  let owner: TunnelOwner;
  beforeEach(async () => {
    owner = await tunnelOwner();
  });
  afterEach(() => owner.stop());

  it('is closed by DELETE: the port is free and the actor gone', async () => {
    const record = await owner.create(echoSession(), remote('22'));
    await deleteTunnel(owner.ctx, owner.list, record.id, false);
    assert.equal(owner.list.running.size, 0);
    await (await occupy(Number(record.lport))).free();
    assert.equal(owner.ctx.system.stats().actors.tunnel ?? 0, 0);
    assert.deepEqual(owner.events, []);
  });

  it('unknown ones are not found', async () => {
    assert.equal(
      await refusal(deleteTunnel(owner.ctx, owner.list, tunnelId('9'), true)),
      '404 tunnel not found',
    );
    assert.equal(
      await refusal(setTunnelAcl(owner.ctx, owner.list, tunnelId('9'), null)),
      '404 tunnel not found',
    );
  });

  it('26.8.5: is kept while connections are open, unless forced', async () => {
    const record = await owner.create(echoSession(), remote('22'));
    const [one, other] = [await user(record.lport), await user(record.lport)];
    one.write('x');
    other.write('x');
    await Promise.all([one, other].map((socket) => new Promise((resolve) => socket.once('data', resolve))));
    assert.equal(
      await refusal(deleteTunnel(owner.ctx, owner.list, record.id, false)),
      '409 tunnel has 2 active connection(s)',
    );
    one.write('y');
    await new Promise((resolve) => one.once('data', resolve));
    const closed = [one, other].map(
      (socket) => new Promise((resolve) => socket.once('close', resolve).resume()),
    );
    one.on('end', () => one.end()).on('error', () => one.destroy());
    other.on('end', () => other.end()).on('error', () => other.destroy());
    await deleteTunnel(owner.ctx, owner.list, record.id, true);
    await Promise.all(closed);
    await (await occupy(Number(record.lport))).free();
  });

  it('26.5: admits peers by its ACL, which can be replaced', async () => {
    const session = echoSession();
    const record = await owner.create(session, remote('22', { acl: '192.0.2.1' }));
    const served = async (): Promise<boolean> => {
      const socket = await user(record.lport);
      socket.on('error', () => socket.destroy());
      const answer = new Promise<boolean>((resolve) => {
        socket
          .once('data', () => resolve(true))
          .once('close', () => resolve(false))
          .on('end', () => socket.end());
      });
      socket.write('x');
      const result = await answer;
      socket.destroy();
      return result;
    };
    const set = (acl: string | null) => setTunnelAcl(owner.ctx, owner.list, record.id, acl);
    const stored = () => tunnelRecords(owner.list)[0]?.acl;

    assert.equal(await served(), false);
    assert.equal(session.channels.length, 0);
    await set('127.0.0.0/24');
    assert.equal(stored(), '127.0.0.0/24');
    assert.equal(await served(), true);
    assert.equal(await refusal(set('invalid')), '400 invalid IP addr: invalid');
    assert.equal(stored(), '127.0.0.0/24');
    assert.equal(await served(), true);
    await set('192.0.2.0/24');
    assert.equal(await served(), false);
    await set(null);
    assert.equal(stored(), null);
    assert.equal(await served(), true);
    await set('');
    assert.equal(stored(), '', 'quirk: shown as typed');
    assert.equal(await served(), true);
  });

  it('a new ACL does not cut open connections', async () => {
    const record = await owner.create(echoSession(), remote('22'));
    const socket = await user(record.lport);
    socket.write('x');
    await new Promise((resolve) => socket.once('data', resolve));
    await setTunnelAcl(owner.ctx, owner.list, record.id, '192.0.2.1');
    socket.write('still here');
    assert.equal(String(await new Promise((resolve) => socket.once('data', resolve))), 'still here');
    socket.destroy();
  });

  it('ends with its owner, even while it is being started', async () => {
    const session = echoSession();
    const record = await owner.create(session, remote('22'));
    const socket = await user(record.lport);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket
      .on('error', () => socket.destroy())
      .on('end', () => socket.end())
      .resume();
    const starting = refusal(owner.create(session, remote('23'), false));
    await owner.stop();
    await closed;
    await starting;
    await (await occupy(Number(record.lport))).free();
    assert.ok(owner.allowed.every((port) => !owner.deps.ports.isTaken(port)));
  });
});

describe('the clocks of a tunnel (spec 05 §10)', () => {
  let owner: TunnelOwner;
  beforeEach(async () => {
    owner = await tunnelOwner();
  });
  afterEach(() => owner.stop());
  const MINUTE = 60_000;

  /** Lets messages and socket events of this moment happen. */
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  };

  it('26.8.11: an unused tunnel ends when its idle time is over', async () => {
    const record = await owner.create(echoSession(), remote('22', { idleTimeoutMinutes: 1 }));
    owner.clock.advance(MINUTE - 1);
    await settle();
    assert.deepEqual(owner.events, []);
    const ended = owner.nextEvent();
    owner.clock.advance(1);
    assert.deepEqual(await ended, { type: 'tunnel-ended', id: record.id, cause: 'idle' });
    await (await occupy(Number(record.lport))).free();
  });

  it('26.8.11: a used one stays, however silent, until that long after its last connection', async () => {
    const record = await owner.create(echoSession(), remote('22', { idleTimeoutMinutes: 1 }));
    const socket = await user(record.lport);
    socket.write('x');
    await new Promise((resolve) => socket.once('data', resolve));
    for (let minute = 0; minute < 5; minute += 1) {
      owner.clock.advance(MINUTE);
      await settle();
    }
    assert.deepEqual(owner.events, []);
    owner.clock.advance(MINUTE / 2);
    socket.end();
    await readAll(socket);
    await settle();
    owner.clock.advance(MINUTE - 1_000);
    await settle();
    assert.deepEqual(owner.events, []);
    const ended = owner.nextEvent();
    owner.clock.advance(MINUTE / 2);
    await settle();
    owner.clock.advance(MINUTE / 2);
    assert.equal((await ended).cause, 'idle');
  });

  it('0 minutes never end', async () => {
    await owner.create(echoSession(), remote('22'));
    owner.clock.advance(100 * 24 * 60 * MINUTE);
    await settle();
    assert.deepEqual(owner.events, []);
  });

  it('26.8.12: auto-close ends it in the midst of traffic', async () => {
    const record = await owner.create(echoSession(), remote('22', { autoClose: 3_000_000_000 }));
    const socket = await user(record.lport);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.on('error', () => socket.destroy()).on('end', () => socket.end());
    socket.write('x');
    await new Promise((resolve) => socket.once('data', resolve));
    owner.clock.advance(2_999);
    await settle();
    assert.deepEqual(owner.events, []);
    const ended = owner.nextEvent();
    owner.clock.advance(1);
    assert.deepEqual(await ended, { type: 'tunnel-ended', id: record.id, cause: 'auto-close' });
    await closed;
    assert.equal(owner.ctx.system.stats().actors.tunnel ?? 0, 0);
  });

  it('a deleted tunnel has no clocks left', async () => {
    const record = await owner.create(
      echoSession(),
      remote('22', { idleTimeoutMinutes: 1, autoClose: 1_000_000_000 }),
    );
    await deleteTunnel(owner.ctx, owner.list, record.id, false);
    owner.clock.advance(10 * MINUTE);
    await settle();
    assert.deepEqual(owner.events, []);
  });

  it('values an agent made up do no harm', async () => {
    await owner.create(echoSession(), remote('22', { idleTimeoutMinutes: -5, autoClose: -7 }));
    await owner.create(
      echoSession(),
      remote('23', { idleTimeoutMinutes: Number.MAX_SAFE_INTEGER, autoClose: Number.MAX_SAFE_INTEGER }),
    );
    owner.clock.advance(MINUTE);
    await settle();
    assert.equal(owner.list.running.size, 2);
    assert.deepEqual(owner.events, []);
  });
});
