/** Entry of a worker thread: makes the actor system, obeys main, runs the program, and ends without harm. */

import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { expose } from 'comlink';
import { PortBus } from '../actors/runtime/port-bus.js';
import { createActorSystem } from '../actors/runtime/system.js';
import { createLogger, type LevelSetting } from '../logging/create-logger.js';
import { forwardLines } from '../logging/forward-lines.js';
import { systemClock } from '../time.js';
import { endpoint, SERVING_TOPIC, type ShardControl, type ShardData } from './control.js';
import type { ShardProgram } from './program.js';

/** A neighbour too busy to greet must not keep this shard from serving. */
const GREETING_TIMEOUT_MS = 5_000;
/** What an emergency `close` may take before the thread ends regardless. */
const CLOSE_TIMEOUT_MS = 1_000;

const data = workerData as ShardData;
const startedAt = systemClock.now();
const lines = forwardLines((text) => parentPort?.postMessage(text));
const level: LevelSetting = { current: data.logLevel };
const log = createLogger({ level, sink: lines.sink, clock: systemClock });
const bus = new PortBus(log);
const system = createActorSystem({ thread: data.thread, clock: systemClock, log, bus });

let program: ShardProgram | null = null;
let started: Promise<void> = Promise.resolve();
let leaving = false;

process.on('uncaughtException', crash);
process.on('unhandledRejection', crash);

const greeted = Promise.race([
  Promise.all(data.links.map(({ thread, port }) => bus.connect(thread, port))),
  new Promise<void>((resolve) => {
    systemClock.after(GREETING_TIMEOUT_MS, resolve);
  }),
]);

const control: ShardControl = {
  async start(config) {
    const run = async (): Promise<void> => {
      const module = (await import(data.program)) as { readonly program: ShardProgram };
      await greeted;
      program = module.program;
      await program.start({
        thread: data.thread,
        place: data.place,
        shards: data.shards,
        config,
        shared: data.shared,
        clock: systemClock,
        log,
        system,
      });
    };
    started = run();
    await started;
  },

  async listen(ports) {
    if (program === null || leaving) throw new Error('the program does not run');
    const bound = await program.listen(ports);
    system.publish(SERVING_TOPIC, null);
    return bound;
  },

  connect(thread: number, port: MessagePort) {
    void bus.connect(thread, port);
  },

  async drain(graceMs) {
    try {
      if (await hasStarted()) await program?.drain(graceMs);
      await system.shutdown();
    } catch (error) {
      log.error(`shard ${data.place}: drain failed: ${describe(error)}`);
    }
    void leave(0);
  },

  leave() {
    void leave(0);
  },

  stats: () => ({
    thread: data.thread,
    place: data.place,
    uptimeMs: systemClock.now() - startedAt,
    actors: system.stats(),
    program: program?.stats() ?? null,
  }),

  async reload(config, logLevel) {
    if (!(await hasStarted())) return;
    await program?.reload?.(config);
    level.current = logLevel;
  },
};

const hasStarted = (): Promise<boolean> =>
  started.then(
    () => true,
    () => false,
  );

expose(control, endpoint(data.control));

/** Nobody knows in what state the thread is now: close what would harm the process, end, and let main start afresh. */
function crash(error: unknown): void {
  log.error(`shard ${data.place} crashed: ${describe(error)}`);
  void leave(1);
}

async function leave(code: number): Promise<void> {
  if (leaving) return;
  leaving = true;
  try {
    const tooLong = new Promise<void>((resolve) => setTimeout(resolve, CLOSE_TIMEOUT_MS));
    await Promise.race([program?.close(), tooLong]);
  } catch (error) {
    log.error(`shard ${data.place}: close failed: ${describe(error)}`);
  }
  // One more turn, in which closed handles are let go and what was queued for other threads is sent.
  setImmediate(() => {
    lines.flush();
    bus.close();
    process.exit(code);
  });
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
