/** A simulated agent that is told to run jobs: it keeps the orders and ends the jobs when the test says so. */

import type { Answer, SimulatedAgent } from '../../bench/fleet/simulated-agent.js';
import type { ApiClient } from './api-client.js';
import { eventually } from './eventually.js';
import type { TestServer } from './server.js';

export interface Order {
  readonly jid: string;
  readonly client_id: string;
  readonly command: string;
  readonly multi_job_id: string | null;
  readonly [key: string]: unknown;
}

export const STARTED_AT = '2024-03-01T10:00:00.25+01:00';
export const FINISHED_AT = '2024-03-01T10:00:01.123456789+01:00';

export class JobAgent {
  readonly orders: Order[] = [];
  /** What `run_cmd` gets. */
  answer: (order: Order) => Answer | null = () => ({ ok: true, payload: started(4711) });
  #agent: SimulatedAgent | null = null;

  constructor(
    readonly id: string,
    private readonly fields: Readonly<Record<string, unknown>> = {},
  ) {}

  get agent(): SimulatedAgent {
    if (this.#agent === null) throw new Error('not connected');
    return this.#agent;
  }

  /**
   * Connects, again if it was connected before, as soon as the server has noticed the end of that. `api`: of an
   * administrator, unless he is the usual one.
   */
  async connect(server: TestServer, api?: ApiClient): Promise<this> {
    const again = this.#agent !== null;
    this.#agent = again
      ? await eventually(`${this.id} to be let in again`, () => this.#open(server), 60_000)
      : await this.#open(server);
    await server.untilKnown(this.id, api);
    return this;
  }

  #open(server: TestServer): Promise<SimulatedAgent> {
    return server.agent(this.id, this.fields, {
      onRequest: (name, payload) => {
        if (name !== 'run_cmd') return undefined;
        const order = JSON.parse(payload.toString()) as Order;
        this.orders.push(order);
        return this.answer(order) ?? new Promise(() => undefined);
      },
    });
  }

  /** The order with this number. */
  order(index = 0): Promise<Order> {
    return eventually(`order ${index} of ${this.id}`, () => this.orders[index]);
  }

  report(order: Order, change: Readonly<Record<string, unknown>> = {}): void {
    this.agent.notify('cmd_result', result(order, change));
  }
}

/** The reply of an agent that has started a process. */
export const started = (pid: number): string => JSON.stringify({ Pid: pid, StartedAt: STARTED_AT });

/** `cmd_result` of a job that went well. */
export const result = (order: Order, change: Readonly<Record<string, unknown>> = {}): string =>
  JSON.stringify({
    ...order,
    status: 'successful',
    finished_at: FINISHED_AT,
    pid: 4711,
    started_at: STARTED_AT,
    error: '',
    result: { stdout: 'out', stderr: '', summary: '' },
    ...change,
  });

/**
 * Whom commands to many are sent to: `client-1` (linux), `client-2` (windows) and `client-4` (both) are connected,
 * `client-3` (mac) was. `root`: an administrator.
 */
export async function connectFour(server: TestServer, root: ApiClient, name: string) {
  const one = await new JobAgent('client-1', { Tags: ['linux'], Name: name }).connect(server, root);
  const two = await new JobAgent('client-2', { Tags: ['windows'] }).connect(server, root);
  const four = await new JobAgent('client-4', { Tags: ['linux', 'windows'] }).connect(server, root);
  const gone = await server.agent('client-3', { Tags: ['mac'] });
  await server.untilKnown('client-3', root);
  gone.destroy();
  await server.untilGone('client-3', root);
  return { one, two, four };
}
