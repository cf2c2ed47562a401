/**
 * What a shard does: both listeners, the actors of its clients, its own view of the store and of all clients.
 * Started by `shard.ts`, which restarts it in a fresh thread when it crashes. Architecture §1.
 */

import { randomUUID } from 'node:crypto';
import { AGENT_CREDENTIALS_TOPIC } from '../actors/agent-credentials/messages.js';
import { remoteAgentCredentials } from '../actors/agent-credentials/remote-agent-credentials.js';
import { remoteAudit } from '../actors/audit/remote-audit.js';
import { type ClientGate, openClientGate } from '../actors/client/accept.js';
import { syncStoredTunnels } from '../actors/client/sync-stored-tunnels.js';
import { openEventReaders } from '../actors/events/event-readers.js';
import { EVENT_LOG, type EventLogMessage } from '../actors/events/messages.js';
import { createGuard, type GuardReplica } from '../actors/guard/create-guard.js';
import { jobAudit } from '../actors/job/audit.js';
import { createMultiJobs } from '../actors/multi-job/multi-jobs.js';
import { remoteNotifier } from '../actors/notifier/remote-notifier.js';
import { spawnScheduleRunner } from '../actors/schedule-runner/behavior.js';
import { remoteSchedules } from '../actors/scheduler/remote-schedules.js';
import { remoteVault } from '../actors/vault/remote-vault.js';
import { makeAgentCredentials } from '../auth/agents/agent-credentials.js';
import { createAgentLogin } from '../auth/agents/create-agent-login.js';
import { LiveCredentials } from '../auth/agents/live-credentials.js';
import { openCredentials } from '../auth/agents/open-credentials.js';
import type { AgentLogin } from '../auth/guard.js';
import { createClientIndex } from '../clients/client-index.js';
import { createClientRecords, type StoppableClientRecords } from '../clients/client-records.js';
import { createClientGroups } from '../clients/groups/client-groups.js';
import { CLIENT_GROUPS_TOPIC, type ClientGroupChange } from '../clients/groups/group.js';
import { CLIENTS_TOPIC, type ClientChange } from '../clients/record.js';
import { liveConfig } from '../config/live-config.js';
import type { Config } from '../config/types.js';
import { parseListenAddress } from '../config/values/listen-address.js';
import { EventClock } from '../events/event-clock.js';
import { createEvents } from '../events/events.js';
import { createJobEvents } from '../events/job-events.js';
import type { Listening } from '../http/engine.js';
import { listen } from '../http/server.js';
import { defaultTimeout } from '../jobs/default-timeout.js';
import { openLibrary } from '../library/library.js';
import { type AgentListener, createAgentListener } from '../protocol/agent-listener.js';
import { createHostKey } from '../protocol/host-key.js';
import type { AgentSession } from '../protocol/session.js';
import { serveFiles } from '../protocol/sftp/serve-files.js';
import { openStore } from '../store/open.js';
import type { Store } from '../store/store.js';
import { readListeningPorts } from '../tunnels/ports/listening-ports.js';
import { LocalPorts } from '../tunnels/ports/local-ports.js';
import { Reservations } from '../tunnels/stored/reservations.js';
import { type ReservationChange, STORED_TUNNELS_TOPIC } from '../tunnels/stored/stored-tunnel.js';
import { createStoredTunnels } from '../tunnels/stored/stored-tunnels.js';
import { createVaultList } from '../vault/list.js';
import { version } from '../version.js';
import type { BoundPorts, ShardProgram, ShardRuntime } from './program.js';
import { openRequestLogs, type RequestLogs } from './request-logs.js';
import { openShardApi, type ShardApi } from './shard-api.js';
import { listenShared } from './shared-port.js';

/** Go's HTTP server reads this much beyond the configured limit of headers. */
const HEADER_SLACK_BYTES = 4096;

/** Of a WebSocket of the API; each route has a limit of its own below it. As much as a request body may have. */
const MOST_MESSAGE_BYTES = 10 * 1024 * 1024;
/** A WebSocket of the API is pinged in time before this; proxies in front often cut after 60 s without a byte. */
const IDLE_TIMEOUT_SECONDS = 50;

/** Name of each listener in `BoundPorts`. */
const AGENTS = 'agents';
const API = 'api';

let store: Store | null = null;
let records: StoppableClientRecords | null = null;
let guard: GuardReplica | null = null;
let credentials: LiveCredentials | null = null;
let gate: ClientGate | null = null;
let logs: RequestLogs | null = null;
let agentListener: AgentListener | null = null;
let apiListener: Listening | null = null;
let api: ShardApi | null = null;
let openListeners: ((ports: BoundPorts) => Promise<BoundPorts>) | null = null;
let reload: ((config: Config) => Promise<void>) | null = null;

export const program: ShardProgram = {
  async start(runtime) {
    const live = liveConfig(runtime.config as Config);
    const { config } = live;
    const { system, clock, log } = runtime;
    const hostKey = createHostKey(config.server.keySeed);
    const opened = openStore(config.server.dataDir, { log, clock });
    store = opened;
    const audit = remoteAudit({ system, api: config.api, log });

    // Subscribed before the store is read: nothing that changes meanwhile is missed.
    const index = createClientIndex({
      server: config.server,
      clock,
      clients: opened.clients,
      clientGroups: opened.clientGroups,
    });
    const reservations = new Reservations(opened);
    const applyClient = (change: ClientChange): void => {
      index.apply(change);
      if (change.type === 'removed') reservations.clientRemoved(change.id);
    };
    system.subscribe(CLIENTS_TOPIC, (change) => applyClient(change as ClientChange));
    system.subscribe(STORED_TUNNELS_TOPIC, (change) => reservations.apply(change as ReservationChange));
    system.subscribe(CLIENT_GROUPS_TOPIC, (change) => index.applyGroup(change as ClientGroupChange));
    // It may have stored something that it had no time to tell of.
    system.onThreadLost(() => {
      index.loadGroups();
      reservations.load();
    });
    index.load();
    reservations.load();
    const events = createEvents({
      numbers: new EventClock(runtime.shared as SharedArrayBuffer, clock),
      clock,
      store: opened,
      webhooks: config.webhooks,
      send: (news) => system.tell(EVENT_LOG, { type: 'events', events: news } satisfies EventLogMessage),
    });
    const jobEvents = createJobEvents(events, (id) => index.get(id));
    records = createClientRecords({
      store: opened,
      index: { apply: applyClient, get: (id) => index.get(id) },
      clock,
      publish: (change) => system.publish(CLIENTS_TOPIC, change),
      events,
    });

    const replica = createGuard({ system, config, clock, log });
    guard = replica;
    await replica.ready;
    logs = openRequestLogs(config, log);
    const openSource = (next: Config) =>
      openCredentials({ config: next, store: opened, clock, log: log.named('client-listener') });
    const present = new LiveCredentials(await openSource(config));
    credentials = present;
    system.subscribe(AGENT_CREDENTIALS_TOPIC, () => present.forget());
    const makeLogin = (): AgentLogin =>
      createAgentLogin({
        config,
        guard: replica,
        credentials: present,
        log: log.named('client-listener'),
      });

    const localPorts = new LocalPorts(
      config.server.allowedPorts,
      clock,
      Math.random,
      readListeningPorts,
      reservations,
    );
    gate = openClientGate({
      system,
      server: config.server,
      monitoring: config.monitoring,
      records,
      store: opened,
      jobAudit: jobAudit(audit, () => config.api.enableAuditLog),
      jobEvents,
      tunnels: {
        ports: localPorts,
        get checkPortTimeout() {
          return config.server.checkPortTimeout;
        },
        log,
      },
      storedTunnels: reservations,
      serveFiles,
      log: log.named('client-listener'),
      version,
    });

    let listenToApi: ((port: number) => Promise<Listening>) | null = null;
    if (config.api.address !== '') {
      const multiJobs = createMultiJobs({ system, store: opened, events: jobEvents, log: log.named('jobs') });
      const context = {
        actors: system,
        clients: index,
        clientRecords: records,
        clientGroups: createClientGroups({
          store: opened,
          index,
          publish: (change) => system.publish(CLIENT_GROUPS_TOPIC, change),
          published: () => system.published(),
        }),
        storedTunnels: createStoredTunnels({
          store: opened,
          reservations,
          ports: localPorts,
          clock,
          newId: randomUUID,
          publish: (change) => system.publish(STORED_TUNNELS_TOPIC, change),
          published: () => system.published(),
          sync: (id) => syncStoredTunnels(system, id),
        }),
        agentCredentials: makeAgentCredentials(present, config.server, remoteAgentCredentials(system)),
        vault: remoteVault(system),
        vaultList: createVaultList(opened.vault),
        library: openLibrary(opened, clock),
        multiJobs,
        schedules: remoteSchedules(system),
        store: opened,
        audit,
        eventReaders: openEventReaders(system),
        webhooks: remoteNotifier(system),
        guard: replica,
        clock,
        log: log.named('api-listener'),
        fingerprint: hostKey.fingerprint,
        version,
      };
      const opening = await openShardApi(config, {
        context,
        log,
        onFinished: (finished) => logs?.api(finished),
      });
      api = opening;
      spawnScheduleRunner(system, {
        store: opened,
        clients: index,
        multiJobs,
        defaultTimeout: () => defaultTimeout(config),
        userOf: opening.userOf,
      });
      const { certFile, keyFile, tlsMin } = config.api;
      const options = {
        host: parseListenAddress(config.api.address).host,
        ...(certFile === '' ? {} : { tls: { certFile, keyFile, minVersion: tlsMin } }),
        maxHeaderBytes: config.api.maxRequestBytes + HEADER_SLACK_BYTES,
        onError: reportTo(log.named('api-listener')),
        onRequest: opening.onRequest,
        maxMessageBytes: MOST_MESSAGE_BYTES,
        idleTimeoutSeconds: IDLE_TIMEOUT_SECONDS,
      };
      listenToApi = (port) => listen({ ...options, port });
    }

    let login = makeLogin();
    const agentOptions = {
      config,
      host: parseListenAddress(config.server.address).host,
      shards: runtime.shards,
      listen,
      login: { verify: (...attempt) => login.verify(...attempt) } satisfies AgentLogin,
      guard: replica,
      hostKey,
      onSession: (session: AgentSession) => gate?.accept(session),
      log: log.named('client-listener'),
      clock,
    };
    openListeners = async (ports) => {
      const bound: Record<string, number> = {};
      if (listenToApi !== null) {
        apiListener = await listenShared(portFor(config.api.address, API, ports), listenToApi);
        bound[API] = apiListener.port;
      }
      agentListener = await listenShared(portFor(config.server.address, AGENTS, ports), (port) =>
        createAgentListener({ ...agentOptions, port }),
      );
      bound[AGENTS] = agentListener.port;
      if (runtime.place === 1) announce(log, config, bound);
      return bound;
    };
    reload = async (next) => {
      // What may fail comes first: then nothing has changed, and what was opened for it is closed.
      const nextApi = await api?.prepare(next);
      const nextSource = await openSource(next).catch(async (error: unknown) => {
        await nextApi?.users.close();
        throw error;
      });
      const nextLogs = openRequestLogs(next, log);
      const reloadIndex = keepsOthers(config, next);
      live.replace(next);
      replica.configure(config);
      present.replace(nextSource).catch(reportTo(log.named('client-listener')));
      login = makeLogin();
      if (nextApi !== undefined) api?.use(nextApi);
      logs?.close();
      logs = nextLogs;
      if (reloadIndex) index.load();
    };
  },

  async listen(ports) {
    if (openListeners === null) throw new Error('not started');
    return openListeners(ports);
  },

  /** The actors of clients say goodbye to their agents when they are stopped, right after this. */
  async drain() {
    api?.leave();
    apiListener?.stopAccepting();
    agentListener?.stopAccepting();
  },

  async close() {
    // After a crash the ends of connections are for main to store: nobody would hear of those stored here.
    records?.stop();
    agentListener?.close();
    apiListener?.close();
    await api?.close();
    await credentials?.close();
    guard?.stop();
    logs?.close();
    await store?.close();
  },

  stats: () => ({
    clients: gate?.size ?? 0,
    handshakes: agentListener?.stats() ?? null,
    memory: process.memoryUsage(),
  }),

  reload: (config) => reload?.(config as Config),
};

/** Whether other disconnected clients are known under the next configuration. */
const keepsOthers = ({ server }: Config, { server: next }: Config): boolean =>
  server.purgeDisconnectedClients !== next.purgeDisconnectedClients ||
  server.keepDisconnectedClients !== next.keepDisconnectedClients;

/** The configured port, or the one the first shard got for port 0. */
function portFor(address: string, name: string, ports: BoundPorts): number {
  return ports[name] ?? parseListenAddress(address).port;
}

const reportTo =
  (log: ShardRuntime['log']) =>
  (error: unknown): void =>
    log.error(error instanceof Error ? (error.stack ?? error.message) : String(error));

function announce(log: ShardRuntime['log'], config: Config, bound: BoundPorts): void {
  const shown = (address: string, port: number | undefined): string =>
    address.replace(/:\d+$/, `:${port ?? 0}`);
  log.named('client-listener').info(`Listening on ${shown(config.server.address, bound[AGENTS])}...`);
  if (config.api.address !== '') {
    log.named('api-listener').info(`Listening on ${shown(config.api.address, bound[API])}...`);
  }
}
