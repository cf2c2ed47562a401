/** The main thread of a running server: store first, singletons, then the shards. Architecture §1. */

import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { spawnAccounts } from '../actors/accounts/behavior.js';
import { spawnAgentCredentials } from '../actors/agent-credentials/behavior.js';
import { spawnAudit } from '../actors/audit/behavior.js';
import { type AuditMessage, auditRef } from '../actors/audit/messages.js';
import { remoteAudit } from '../actors/audit/remote-audit.js';
import { spawnEventLog } from '../actors/events/event-log.js';
import { EVENT_LOG, type EventLogMessage } from '../actors/events/messages.js';
import { guardLimits, spawnGuard } from '../actors/guard/behavior.js';
import { type GuardMessage, guardRef } from '../actors/guard/messages.js';
import { spawnHasher } from '../actors/hasher/behavior.js';
import { spawnJobGuard } from '../actors/job-guard/behavior.js';
import { spawnNameWatch } from '../actors/name-watch/behavior.js';
import { spawnNotifier } from '../actors/notifier/behavior.js';
import { NOTIFIER, type NotifierMessage } from '../actors/notifier/messages.js';
import { spawnRegistrar } from '../actors/registrar/behavior.js';
import { disconnectStored } from '../actors/registrar/records.js';
import { spawnRetention } from '../actors/retention/behavior.js';
import { PortBus } from '../actors/runtime/port-bus.js';
import { createActorSystem } from '../actors/runtime/system.js';
import { setSystemAlarm } from '../actors/scheduler/alarm.js';
import { spawnScheduler } from '../actors/scheduler/behavior.js';
import { spawnSecondFactor } from '../actors/second-factor/behavior.js';
import { spawnSso } from '../actors/sso/behavior.js';
import { openUploads } from '../actors/uploads/behavior.js';
import { UPLOADS } from '../actors/uploads/messages.js';
import { spawnVault } from '../actors/vault/behavior.js';
import { makeTurns } from '../auth/accounts/turns.js';
import type { CredentialSource } from '../auth/agents/credential-source.js';
import { LiveCredentials } from '../auth/agents/live-credentials.js';
import { openCredentials } from '../auth/agents/open-credentials.js';
import type { PasswordHasher } from '../auth/passwords/hasher.js';
import { openUsers } from '../auth/users/open-users.js';
import { createClientRecords } from '../clients/client-records.js';
import { CLIENTS_TOPIC } from '../clients/record.js';
import { liveConfig } from '../config/live-config.js';
import { planReload, type ReloadPlan } from '../config/reload.js';
import type { Config } from '../config/types.js';
import { parseListenAddress } from '../config/values/listen-address.js';
import { EventClock, eventClockMemory } from '../events/event-clock.js';
import { createEvents } from '../events/events.js';
import { createJobEvents } from '../events/job-events.js';
import { createLogger, type LevelSetting } from '../logging/create-logger.js';
import { type LogWriter, openLogWriter } from '../logging/log-writer.js';
import { createHostKey } from '../protocol/host-key.js';
import { isNativeCryptoLoaded } from '../protocol/ssh/native.js';
import { openStore } from '../store/open.js';
import type { Store } from '../store/store.js';
import { type Milliseconds, systemClock } from '../time.js';
import { tuneCompiler } from './compiler.js';
import { type LiveAccounts, openLiveAccounts } from './live-accounts.js';
import { openLiveDelivery } from './live-delivery.js';
import { assertPortFree } from './shared-port.js';
import { Supervisor } from './supervisor.js';
import { TaskPool } from './task-pool.js';

/** What an orderly stop leaves for agents to be told and connections to be closed. */
const DRAIN_GRACE: Milliseconds = 1_500;
const FINGERPRINT_FILE = 'rportd-fingerprint.txt';

export interface RunningServer {
  readonly agentPort: number;
  /** 0 when the API is off. */
  readonly apiPort: number;
  /** MD5, colon-separated. */
  readonly fingerprint: string;
  /**
   * Re-opens the log files and goes by `wanted` as far as that needs no restart. Rejects with `Error` when something
   * in it cannot be used; everything is as before then.
   */
  reload(wanted: Config): Promise<Pick<ReloadPlan, 'applied' | 'waiting'>>;
  /** Tells the agents, closes everything, flushes the store. Resolves with whether all of that worked in time. */
  stop(): Promise<boolean>;
}

export interface ServerLog {
  readonly writer: LogWriter;
  /** Set by `reload`. */
  readonly level: LevelSetting;
}

/** Starts a server with a complete configuration (see `prepareDataDir`). Rejects when a listener cannot bind. */
export async function serve(initial: Config, { writer, level }: ServerLog): Promise<RunningServer> {
  tuneCompiler();
  const live = liveConfig(initial);
  const { config } = live;
  const log = createLogger({ level, sink: writer.write, clock: systemClock, prefix: 'server' });
  await assertListenable(config);
  const delivery = await openLiveDelivery(config, log);
  const { fingerprint } = createHostKey(config.server.keySeed);
  log.info(`Fingerprint ${fingerprint}`);
  log.info(
    isNativeCryptoLoaded()
      ? 'native SSH ciphers are loaded'
      : 'native SSH ciphers are NOT loaded: tunnels are several times slower. Reinstall with a C++ compiler at hand',
  );
  await keepFingerprint(config, fingerprint, log.error);

  const store = openStore(config.server.dataDir, { log });
  const bus = new PortBus(log);
  const system = createActorSystem({ thread: 0, clock: systemClock, log, bus });
  const tasks = new TaskPool();
  const eventClock = eventClockMemory();
  const numbers = new EventClock(eventClock, systemClock);
  for (const rows of [store.webhookQueue, store.webhookDeadLetters]) {
    const highest = rows.highest();
    if (highest !== undefined) numbers.startAfter(highest);
  }
  const events = createEvents({
    numbers,
    clock: systemClock,
    store,
    webhooks: config.webhooks,
    send: (news) => system.tell(EVENT_LOG, { type: 'events', events: news } satisfies EventLogMessage),
  });
  const records = createClientRecords({
    store,
    events,
    // Main answers no lists, so it keeps no index of its own.
    index: { apply: () => undefined, get: (id) => store.clients.get(id) },
    clock: systemClock,
    publish: (change) => system.publish(CLIENTS_TOPIC, change),
  });
  const supervisor = new Supervisor({
    shards: config.server.shards,
    program: new URL('./shard-program.js', import.meta.url),
    config: initial,
    shared: eventClock,
    system,
    bus,
    clock: systemClock,
    log,
    logLevel: level.current,
    writeLines: writer.write,
  });

  const openSource = (next: Config): Promise<CredentialSource> =>
    openCredentials({ config: next, store, clock: systemClock, log });
  let credentials: LiveCredentials | null = null;
  let accounts: LiveAccounts | null = null;

  let stopped: Promise<boolean> | null = null;
  const stopAll = async (): Promise<boolean> => {
    const ended = await supervisor.drain(DRAIN_GRACE);
    // It has entries for the audit log, which has to be there still.
    await system.stop(UPLOADS);
    await system.shutdown();
    records.stop();
    bus.close();
    await tasks.close();
    await credentials?.close();
    await accounts?.close();
    await store.close();
    return ended;
  };
  const stop = (): Promise<boolean> => {
    stopped ??= stopAll();
    return stopped;
  };

  try {
    spawnNotifier(system, { webhooks: config.webhooks, store, log, random: Math.random });
    spawnEventLog(system);
    const found = await disconnectStored(store, systemClock.now(), events);
    if (found > 0) log.info(`${found} clients were connected when the server ended`);
    spawnGuard(system, config, log);
    const hasher: PasswordHasher = {
      verify: (password, stored) => tasks.run('verifyPassword', { password, stored }),
      hash: (password) => tasks.run('hashPassword', { password }),
      score: (password, known) => tasks.run('scorePassword', { password, known }),
    };
    spawnHasher(system, hasher);
    const turns = makeTurns(systemClock);
    const liveAccounts = await openLiveAccounts(config, { store, hasher, delivery, turns, log });
    accounts = liveAccounts;
    spawnAccounts(system, { accounts: liveAccounts.accounts, turns, log });
    spawnSecondFactor(system, { uses: store.totpUses });
    spawnSso(system);
    spawnVault(system, { store, clock: systemClock, log: log.named('vault') });
    spawnRegistrar(system, { server: config.server, records, store, log });
    const present = new LiveCredentials(await openSource(config));
    credentials = present;
    spawnAgentCredentials(system, { credentials: present, server: config.server, log });
    spawnRetention(system, { config, store, log });
    spawnAudit(system, { config, store, log });
    const audit = remoteAudit({ system, api: config.api, log });
    await openUploads(system, { dataDir: config.server.dataDir, store, audit, events, log });
    if (config.api.address !== '') {
      spawnNameWatch(system, { store, tenureOf: liveAccounts.tenureOf, log });
      spawnScheduler(system, {
        store,
        setAlarm: setSystemAlarm,
        tenureOf: liveAccounts.tenureOf,
        newId: randomUUID,
        log: log.named('scheduler'),
      });
    } else if (store.schedules.count() > 0) {
      log.info('schedules are not run: without the API there are no users with rights');
    }
    spawnJobGuard(system, { store, events: createJobEvents(events, (id) => store.clients.get(id)), log });
    const ports = await supervisor.start();
    return {
      agentPort: ports.agents ?? 0,
      apiPort: ports.api ?? 0,
      fingerprint,
      stop,
      async reload(wanted) {
        const plan = planReload(config, wanted);
        await assertUsable(plan.config, store);
        const useDelivery = await delivery.prepare(plan.config);
        const nextSource = await openSource(plan.config);
        const useAccounts = await liveAccounts.prepare(plan.config).catch(async (error: unknown) => {
          await nextSource.close();
          throw error;
        });
        writer.reopen();
        live.replace(plan.config);
        useDelivery();
        useAccounts();
        present.replace(nextSource).catch((error) => log.error(`client credentials: ${String(error)}`));
        level.current = config.logging.logLevel;
        const limits: GuardMessage = { type: 'limits', limits: guardLimits(config) };
        system.tell(guardRef, limits);
        system.tell(auditRef, { type: 'settings' } satisfies AuditMessage);
        // Restarted shards get it too. What waits for a restart is as it was: they must fit to the others.
        await supervisor.reload(plan.config, level.current);
        // Nobody queues for a webhook any more that has gone.
        system.tell(NOTIFIER, { type: 'configure' } satisfies NotifierMessage);
        return plan;
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Opens what the shards are going to open. Rejects with the reason why they could not. */
async function assertUsable(config: Config, store: Store): Promise<void> {
  const { address, accessLogFile } = config.api;
  if (address === '') return;
  const log = createLogger({ level: 'error', sink: () => undefined, clock: systemClock });
  const users = await openUsers({ config, store, clock: systemClock, log });
  await users.close();
  if (accessLogFile !== '') await openLogWriter(accessLogFile).close();
}

/** Shards share their ports by SO_REUSEPORT, which another server would share as well. */
async function assertListenable(config: Config): Promise<void> {
  for (const address of [config.server.address, config.api.address]) {
    if (address === '') continue;
    const { host, port } = parseListenAddress(address);
    try {
      await assertPortFree(host, port);
    } catch (error) {
      throw new Error(`listen tcp ${address}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}

/** For operators and their scripts; content without a line break. Spec 01 §4.2. */
async function keepFingerprint(
  config: Config,
  fingerprint: string,
  complain: (text: string) => void,
): Promise<void> {
  try {
    await writeFile(join(config.server.dataDir, FINGERPRINT_FILE), fingerprint);
  } catch (error) {
    complain(`cannot write ${FINGERPRINT_FILE}: ${String(error)}`);
  }
}
