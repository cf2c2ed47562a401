import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, describe, it } from 'node:test';
import { readListeningPorts } from '../../../src/tunnels/ports/listening-ports.js';
import { LocalPorts, type OpenPort, PortError } from '../../../src/tunnels/ports/local-ports.js';
import { freePorts, occupy } from '../../support/free-ports.js';
import { ManualClock } from '../../support/manual-clock.js';

const opened: OpenPort[] = [];
const close = (one: OpenPort): Promise<void> => new Promise((resolve) => one.server.close(() => resolve()));

const clock = new ManualClock();

function portsOf(numbers: readonly number[], readListening = readListeningPorts): LocalPorts {
  const ranges = numbers.map((port) => ({ from: port, to: port }));
  return new LocalPorts(ranges, clock, Math.random, readListening);
}

async function openAny(ports: LocalPorts, preferred: number | null = null): Promise<OpenPort> {
  const one = await ports.openAny(preferred, (socket) => socket.destroy());
  opened.push(one);
  return one;
}

async function open(ports: LocalPorts, port: number, host = '127.0.0.1'): Promise<OpenPort> {
  const one = await ports.open(host, port, (socket) => socket.destroy());
  opened.push(one);
  return one;
}

const refusedWith =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof PortError && error.code === code;

/** Resolves when the other end has closed. */
const reach = (host: string, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    connect({ host, port })
      .once('close', (failed) => (failed ? undefined : resolve()))
      .once('error', reject)
      .resume();
  });

describe('local ports', () => {
  after(() => Promise.all(opened.map(close)));

  it('random ones come from the allowed set, each once, until none is left', async () => {
    const numbers = await freePorts(4);
    const ports = portsOf(numbers);
    const got = await Promise.all(numbers.map(() => openAny(ports)));
    assert.deepEqual(got.map((one) => one.port).sort(), [...numbers].sort());
    await assert.rejects(openAny(ports), refusedWith('exhausted'));
    await close(got[0]!);
    assert.equal((await openAny(ports)).port, got[0]!.port);
  });

  it('a port another program listens on is passed over and found again as soon as it is free', async () => {
    const foreign = await occupy((await freePorts(1))[0]);
    const ports = portsOf([foreign.port]);
    await assert.rejects(openAny(ports), refusedWith('exhausted'));
    await assert.rejects(open(ports, foreign.port), refusedWith('in_use'));
    await foreign.free();
    clock.advance(1);
    assert.equal((await openAny(ports)).port, foreign.port);
  });

  it('two threads cannot hold the same port', async () => {
    const numbers = await freePorts(2);
    const one = portsOf(numbers);
    const other = portsOf(numbers);
    const got = await Promise.all([openAny(one), openAny(other)]);
    assert.notEqual(got[0].port, got[1].port);
    await assert.rejects(openAny(other), refusedWith('exhausted'));
    await assert.rejects(open(other, got[0].port, '0.0.0.0'), refusedWith('in_use'));
  });

  it('a preferred port is taken if free and allowed, otherwise any', async () => {
    const [first, second, foreign] = (await freePorts(3)) as [number, number, number];
    const ports = portsOf([first, second]);
    assert.equal((await openAny(ports, second)).port, second);
    assert.equal((await openAny(ports, second)).port, first);
    const more = portsOf([foreign]);
    assert.equal((await openAny(more, 1)).port, foreign);
  });

  it('explicit ones must be allowed and free', async () => {
    const [allowed, other] = (await freePorts(2)) as [number, number];
    const ports = portsOf([allowed]);
    await assert.rejects(open(ports, other), refusedWith('not_allowed'));
    await assert.rejects(open(ports, 0), refusedWith('not_allowed'));
    await assert.rejects(open(ports, 99_999), refusedWith('not_allowed'));
    await assert.rejects(open(ports, -1), refusedWith('not_allowed'));
    await open(ports, allowed);
    await assert.rejects(open(ports, allowed, '127.0.0.2'), refusedWith('in_use'));
  });

  it('an address this machine does not have cannot be bound, and the port stays free', async () => {
    const [port] = (await freePorts(1)) as [number];
    const ports = portsOf([port]);
    await assert.rejects(open(ports, port, '192.0.2.9'), refusedWith('bind_failed'));
    assert.ok(!ports.isTaken(port));
    await open(ports, port);
  });

  it('a reserved port is for its stored tunnel only, which gets no other', async () => {
    const [reserved, free] = (await freePorts(2)) as [number, number];
    const ranges = [reserved, free].map((port) => ({ from: port, to: port }));
    const holder = { clientId: 'c', id: 'stored' };
    const ports = new LocalPorts(ranges, clock, Math.random, readListeningPorts, {
      holder: (port) => (port === reserved ? holder : undefined),
    });
    const ignore = (): void => undefined;
    await assert.rejects(open(ports, reserved), refusedWith('in_use'));
    await assert.rejects(ports.open('127.0.0.1', free, ignore, 'stored'), refusedWith('in_use'));
    await assert.rejects(ports.open('127.0.0.1', reserved, ignore, 'other'), refusedWith('in_use'));
    assert.equal((await openAny(ports, reserved)).port, free);
    await assert.rejects(openAny(ports), refusedWith('exhausted'));
    assert.ok(ports.isReservedFor('c', reserved) && !ports.isReservedFor('c', free));
    opened.push(await ports.open('127.0.0.1', reserved, ignore, 'stored'));
  });

  it('a random port is reachable over IPv4, and over IPv6 where there is any', async () => {
    const ports = portsOf(await freePorts(1));
    const { port, server } = await openAny(ports);
    await reach('127.0.0.1', port);
    const address = server.address();
    if (typeof address === 'object' && address?.family === 'IPv6') await reach('::1', port);
  });

  it('does not read the table of sockets while binding succeeds', async () => {
    let reads = 0;
    const ports = portsOf(await freePorts(20), () => {
      reads += 1;
      return Promise.resolve(null);
    });
    await Promise.all(Array.from({ length: 20 }, () => openAny(ports)));
    assert.equal(reads, 0);
  });

  it('finds the free port among many that others hold, without trying each', async () => {
    const foreign = await Promise.all(Array.from({ length: 20 }, () => occupy()));
    const [free] = (await freePorts(1)) as [number];
    let reads = 0;
    const ports = portsOf([...foreign.map((one) => one.port), free], () => {
      reads += 1;
      return readListeningPorts();
    });
    assert.equal((await openAny(ports)).port, free);
    assert.ok(reads <= 1);
    await Promise.all(foreign.map((one) => one.free()));
  });
});
