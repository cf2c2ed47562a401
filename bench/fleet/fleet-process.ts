/** The process in which a fleet lives; commands and reports go over the IPC channel. See `fleet.ts`. */

import { measurementPayload } from '../load/measurement-payload.js';
import type { FleetOptions, Ramp, Visits } from './fleet.js';
import { runJob } from './run-job.js';
import { SimulatedAgent } from './simulated-agent.js';

export type FleetCommand =
  | { readonly type: 'connect'; readonly count: number; readonly concurrency: number }
  | { readonly type: 'alive' }
  | { readonly type: 'measure'; readonly perSecond: number; readonly seconds: number }
  | { readonly type: 'visit'; readonly perSecond: number; readonly seconds: number }
  | { readonly type: 'close' };

export type FleetReport =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: string };

const options = JSON.parse(process.argv[2] ?? '{}') as FleetOptions;
/** Pause between bursts of measurements. */
const STEP_MS = 5;
/** How long a visitor stays. */
const VISIT_MS = 200;
/** A visitor comes again after this time, when his last visit is long over. */
const VISIT_AGAIN_SECONDS = 4;
const agents: SimulatedAgent[] = [];
let started = 0;

async function connectOne(number: number): Promise<void> {
  const id = options.ids?.[number] ?? `agent-${number}`;
  const agent: SimulatedAgent = await SimulatedAgent.connect({
    port: options.agentPort,
    auth: options.auth,
    fields: { ID: id, Tags: ['linux', number % 2 === 0 ? 'even' : 'odd', `rack-${number % 40}`] },
    onRequest(name, payload) {
      if (name !== 'run_cmd') return undefined;
      const { reply, result } = runJob(payload);
      // Agents answer first.
      setImmediate(() => agent.notify('cmd_result', result));
      return { ok: true, payload: reply };
    },
  });
  agents.push(agent);
}

async function ramp(count: number, concurrency: number): Promise<Ramp> {
  const acceptedAt: number[] = [];
  let failed = 0;
  let left = count;
  const begun = process.hrtime.bigint();
  const lane = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const number = started;
      started += 1;
      try {
        await connectOne(number);
        acceptedAt.push(Number(process.hrtime.bigint() - begun) / 1e9);
      } catch (error) {
        failed += 1;
        if (failed === 1) process.stderr.write(`agent ${number}: ${String(error)}\n`);
      }
    }
  };
  await Promise.all(Array.from({ length: concurrency }, lane));
  return {
    seconds: Number(process.hrtime.bigint() - begun) / 1e9,
    connected: acceptedAt.length,
    failed,
    acceptedAt,
  };
}

/** Measurements evenly over all agents and over the time. Resolves with how many were sent. */
async function measure(perSecond: number, seconds: number): Promise<number> {
  const payloads = Array.from({ length: 64 }, (_, number) => Buffer.from(measurementPayload(number)));
  const begun = performance.now();
  let sent = 0;
  while (sent < perSecond * seconds) {
    const due = Math.min(perSecond * seconds, ((performance.now() - begun) / 1_000) * perSecond);
    for (; sent < due; sent += 1) {
      agents[sent % agents.length]?.notify('save_measurement', payloads[sent % payloads.length] ?? '');
    }
    await new Promise((resolve) => setTimeout(resolve, STEP_MS));
  }
  return sent;
}

async function visit(perSecond: number, seconds: number): Promise<Visits> {
  const accepted: Record<string, number> = {};
  let failed = 0;
  const one = async (id: string): Promise<void> => {
    try {
      const { agentPort: port, auth } = options;
      const agent = await SimulatedAgent.connect({ port, auth, fields: { ID: id } });
      accepted[id] = (accepted[id] ?? 0) + 1;
      await new Promise((resolve) => setTimeout(resolve, VISIT_MS));
      agent.destroy();
    } catch (error) {
      failed += 1;
      if (failed === 1) process.stderr.write(`${id}: ${String(error)}\n`);
    }
  };
  const visitors = perSecond * VISIT_AGAIN_SECONDS;
  const begun = performance.now();
  const all: Promise<void>[] = [];
  while (all.length < perSecond * seconds) {
    const wait = begun + (all.length * 1_000) / perSecond - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    all.push(one(`visitor-${all.length % visitors}`));
  }
  await Promise.all(all);
  return { accepted, failed };
}

async function execute(command: FleetCommand): Promise<unknown> {
  if (command.type === 'connect') return ramp(command.count, command.concurrency);
  if (command.type === 'measure') return measure(command.perSecond, command.seconds);
  if (command.type === 'visit') return visit(command.perSecond, command.seconds);
  if (command.type === 'alive') return agents.filter((agent) => !agent.closed).length;
  process.exit(0);
}

process.on('message', (command: FleetCommand) => {
  execute(command).then(
    (value) => process.send?.({ ok: true, value } satisfies FleetReport),
    (error: unknown) => process.send?.({ ok: false, error: String(error) } satisfies FleetReport),
  );
});
process.on('disconnect', () => process.exit(0));
