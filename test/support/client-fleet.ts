/** A registrar and shards that accept clients, all in one thread but connected as threads are, on a real store. */

import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { MessageChannel } from 'node:worker_threads';
import { askActor } from '../../src/actors/ask.js';
import { type ClientGate, openClientGate } from '../../src/actors/client/accept.js';
import { type ClientRequestName, type ClientRequests, clientRef } from '../../src/actors/client/messages.js';
import { jobAudit } from '../../src/actors/job/audit.js';
import { spawnRegistrar } from '../../src/actors/registrar/behavior.js';
import { REGISTRAR } from '../../src/actors/registrar/messages.js';
import { PortBus } from '../../src/actors/runtime/port-bus.js';
import { createActorSystem } from '../../src/actors/runtime/system.js';
import type { ActorSystem } from '../../src/actors/runtime/types.js';
import type { AuditDraft } from '../../src/audit/audit-log.js';
import type { ClientRecords } from '../../src/clients/read-model.js';
import type { ClientRecord } from '../../src/clients/record.js';
import type { ServerConfig } from '../../src/config/types.js';
import type { JobEvents } from '../../src/events/job-events.js';
import { type ClientId, clientId } from '../../src/ids.js';
import type { RequestReply } from '../../src/protocol/session.js';
import { serveFiles } from '../../src/protocol/sftp/serve-files.js';
import { openStore } from '../../src/store/open.js';
import type { Store } from '../../src/store/store.js';
import type { Instant, Milliseconds } from '../../src/time.js';
import { readListeningPorts } from '../../src/tunnels/ports/listening-ports.js';
import { LocalPorts } from '../../src/tunnels/ports/local-ports.js';
import { Reservations } from '../../src/tunnels/stored/reservations.js';
import { turn } from './actor-system.js';
import { echoSession, type FakeSession, type FakeSessionOptions } from './fake-session.js';
import { freePorts } from './free-ports.js';
import { ManualClock } from './manual-clock.js';
import { MemoryLogger } from './memory-logger.js';
import { removeFolder } from './remove-folder.js';

/** Nobody is told of jobs. */
export const silentJobs: JobEvents = { telling: (change) => change(() => undefined) };

export interface Shard {
  readonly system: ActorSystem;
  readonly gate: ClientGate;
  readonly reservations: Reservations;
  /** As if the thread had died: nothing of it is cleaned up. */
  lose(): void;
}

export interface FleetOptions {
  readonly shards?: number;
  readonly server?: Partial<ServerConfig>;
  readonly monitoring?: boolean;
  /** Stored before the registrar starts. */
  readonly stored?: readonly ClientRecord[];
  /** Ports tunnels may use. */
  readonly ports?: number;
}

export interface Fleet {
  readonly clock: ManualClock;
  readonly store: Store;
  readonly main: ActorSystem;
  readonly shards: readonly Shard[];
  readonly log: MemoryLogger;
  readonly allowed: readonly number[];
  readonly heartbeats: ReadonlyMap<ClientId, Instant>;
  /** What the actors of clients have recorded. */
  readonly audited: readonly AuditDraft[];
  readonly server: ServerConfig;
  /** Makes saving fail. */
  failSaves(failing: boolean): void;
  /** A session that has logged in on a shard. */
  session(options?: FakeSessionOptions, shard?: number): FakeSession;
  record(id: string): ClientRecord | undefined;
  /** Asks the client's actor from main. */
  ask<Name extends ClientRequestName>(
    id: string,
    message: { readonly type: Name } & ClientRequests[Name]['request'],
  ): Promise<ClientRequests[Name]['reply']>;
  /** Resolves when only `left` connections are there and the registrar has heard of the end of the others. */
  ended(left?: number): Promise<void>;
  /** Resolves when `condition` holds. */
  until(condition: () => boolean): Promise<void>;
  /**
   * Lets time go on by `step` again and again until `condition` holds. It stands still while the disk is waited for:
   * that may take seconds where the machine is busy, and what waits for the disk has a time-out.
   */
  passing(condition: () => boolean, step: Milliseconds): Promise<void>;
}

export async function clientFleet(test: TestContext, options: FleetOptions = {}): Promise<Fleet> {
  // The ports between threads keep nobody alive.
  const alive = setInterval(() => undefined, 1_000_000);
  const folder = mkdtempSync(join(tmpdir(), 'tideway-test-'));
  const clock = new ManualClock();
  const log = new MemoryLogger();
  const store = openStore(folder, { log, clock });
  await Promise.all((options.stored ?? []).map((record) => store.clients.put(record)));
  const allowed = await freePorts(options.ports ?? 4);
  const audited: AuditDraft[] = [];
  const heartbeats = new Map<ClientId, Instant>();
  let failing = false;
  const records: ClientRecords = {
    get: (id) => store.clients.get(id),
    save: async (record) => {
      if (failing) throw new Error('disk full');
      await store.clients.put(record);
    },
    remove: (id) => store.clients.remove(id),
    heartbeat: (id, at) => void heartbeats.set(id, at),
  };
  const server = {
    authMultiuseCreds: true,
    equateClientauthidClientid: false,
    maxRequestBytesClient: 524_288,
    purgeDisconnectedClients: false,
    keepDisconnectedClients: 3_600_000,
    purgeDisconnectedClientsInterval: 60_000,
    checkClientsConnectionInterval: 300_000,
    checkClientsConnectionTimeout: 30_000,
    ...options.server,
  } as ServerConfig;

  const buses: PortBus[] = [];
  const start = async (thread: number): Promise<ActorSystem> => {
    const bus = new PortBus(log);
    const system = createActorSystem({ thread, clock, log, bus });
    const greeted = buses.flatMap((other, index) => {
      const { port1, port2 } = new MessageChannel();
      return [other.connect(thread, port1), bus.connect(index, port2)];
    });
    buses.push(bus);
    await Promise.all(greeted);
    return system;
  };
  const main = await start(0);
  spawnRegistrar(main, { server, records, store, log });
  const shards: Shard[] = [];
  for (let thread = 1; thread <= (options.shards ?? 1); thread += 1) {
    const system = await start(thread);
    const reservations = new Reservations(store);
    reservations.load();
    const ports = new LocalPorts(
      allowed.map((port) => ({ from: port, to: port })),
      clock,
      Math.random,
      readListeningPorts,
      reservations,
    );
    const gate = openClientGate({
      system,
      server,
      monitoring: { enabled: options.monitoring ?? true },
      records,
      store,
      jobAudit: jobAudit(
        {
          record: async (entries) => {
            audited.push(...entries);
          },
        },
        () => true,
      ),
      jobEvents: silentJobs,
      tunnels: { ports, checkPortTimeout: 2_000, log },
      storedTunnels: reservations,
      serveFiles,
      log,
      version: '1.2.3',
    });
    shards.push({ system, gate, reservations, lose: () => buses[thread]?.close() });
  }
  await turn();

  test.after(async () => {
    await Promise.all(shards.map(({ system }) => system.shutdown()));
    await main.shutdown();
    for (const bus of buses) bus.close();
    await store.close();
    clearInterval(alive);
    removeFolder(folder);
  });

  const until = async (condition: () => boolean): Promise<void> => {
    while (!condition()) await turn();
  };

  return {
    clock,
    store,
    main,
    shards,
    log,
    allowed,
    heartbeats,
    audited,
    server,
    failSaves: (now) => {
      failing = now;
    },
    session(sessionOptions = {}, shard = 0) {
      const session = echoSession(sessionOptions);
      shards[shard]?.gate.accept(session);
      return session;
    },
    record: (id) => store.clients.get(clientId(id)),
    async ask(id, message) {
      const ref = clientRef(clientId(id));
      // The agent has its answer before main has heard of the actor.
      const connected = (): boolean => store.clients.get(clientId(id))?.disconnectedAt === null;
      await until(() => main.locate(ref) !== undefined || !connected());
      return askActor(main, ref, message, 10_000, `client with id ${id} not found`);
    },
    async ended(left = 0) {
      await until(() => shards.reduce((sum, { gate }) => sum + gate.size, 0) === left);
      // Messages of one thread to one actor stay in order, so those before this one have been handled.
      const message = { type: 'purge', limit: 0 };
      await Promise.all(shards.map(({ system }) => system.ask(REGISTRAR, message, { timeoutMs: 10_000 })));
    },
    until,
    async passing(condition, step) {
      while (!condition()) {
        // What was written is known of before the next step.
        await turn();
        await store.flushed();
        await turn();
        clock.advance(step);
      }
    },
  };
}

/** Says who it is, and resolves with the server's answer. */
export function introduce(session: FakeSession, request: object = {}): Promise<RequestReply> {
  return session.deliver('new_connection', JSON.stringify({ Version: '0.9.15', ...request }));
}

export const text = (reply: RequestReply): string =>
  `${reply.ok ? 'ok' : 'failed'}: ${reply.payload.toString()}`;

/** Whether the server sent this request to the agent. */
export const times = (session: FakeSession, name: string): number =>
  session.requests.filter((request) => request.name === name).length;

/** A remote as agents send it. */
export const asked = (lport: string, rport: string, more: object = {}): object => ({
  name: '',
  protocol: 'tcp',
  lhost: lport === '' ? '' : '0.0.0.0',
  lport,
  lport_random: false,
  owner: '',
  rhost: '127.0.0.1',
  rport,
  scheme: null,
  acl: null,
  idle_timeout_minutes: 0,
  auto_close: 0,
  http_proxy: false,
  host_header: '',
  auth_user: '',
  auth_password: '',
  tunnel_url: '',
  ...more,
});
