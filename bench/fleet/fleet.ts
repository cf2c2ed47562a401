/** A fleet of simulated agents in a process of its own, so that its CPU is not counted as the server's. */

import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { FleetCommand, FleetReport } from './fleet-process.js';

const PROGRAM = fileURLToPath(new URL('./fleet-process.js', import.meta.url));

export interface Ramp {
  readonly seconds: number;
  readonly connected: number;
  readonly failed: number;
  /** Seconds since the start at which the n-th agent had its `new_connection` accepted. */
  readonly acceptedAt: readonly number[];
}

export interface Visits {
  /** Connections that were accepted, by client. */
  readonly accepted: Readonly<Record<string, number>>;
  readonly failed: number;
}

export interface FleetOptions {
  readonly agentPort: number;
  readonly auth: string;
  /** Client ids of the first agents; the others call themselves `agent-<number>`. */
  readonly ids?: readonly string[];
}

export class Fleet {
  readonly #child: ChildProcess;

  constructor(options: FleetOptions) {
    this.#child = fork(PROGRAM, [JSON.stringify(options)]);
  }

  /** Connects `count` more agents, at most `concurrency` handshakes at a time. */
  connect(count: number, concurrency: number): Promise<Ramp> {
    return this.#ask<Ramp>({ type: 'connect', count, concurrency });
  }

  /** Agents whose connection is still open. */
  async alive(): Promise<number> {
    return this.#ask<number>({ type: 'alive' });
  }

  /** All agents together send this many measurements a second. Resolves with how many were sent. */
  async measure(perSecond: number, seconds: number): Promise<number> {
    return this.#ask<number>({ type: 'measure', perSecond, seconds });
  }

  /** Besides the others, so many agents a second come and soon drop their connection. Resolves when they all have. */
  async visit(perSecond: number, seconds: number): Promise<Visits> {
    return this.#ask<Visits>({ type: 'visit', perSecond, seconds });
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const gone = new Promise<void>((resolve) => this.#child.once('exit', () => resolve()));
    this.#child.send({ type: 'close' } satisfies FleetCommand);
    await gone;
  }

  #ask<Value>(command: FleetCommand): Promise<Value> {
    return new Promise((resolve, reject) => {
      const onExit = (): void => reject(new Error('the fleet process ended'));
      this.#child.once('exit', onExit);
      this.#child.once('message', (report: FleetReport) => {
        this.#child.off('exit', onExit);
        if (report.ok) resolve(report.value as Value);
        else reject(new Error(report.error));
      });
      this.#child.send(command);
    });
  }
}
