/**
 * A receiver of webhooks goes down for a minute while agents come and go, some 50 events a second. Measures the API's
 * latency on an idle server, with the receiver up, during the outage and while the server catches up. Counts events that
 * were lost, taken twice, or came in another order than that of their client.
 */

import { setTimeout as rest } from 'node:timers/promises';
import { Fleet, type Visits } from '../fleet/fleet.js';
import { bearer, connectedClients, untilConnected, waitingDeliveries } from '../load/api.js';
import { steadyCalls } from '../load/steady-calls.js';
import { type ReceivedEvent, WebhookReceiver } from '../load/webhook-receiver.js';
import { AGENT_AUTH } from '../servers/server-under-test.js';
import type { Scenario } from './scenario.js';

const AGENTS = 200;
/** Each is two events. */
const VISITS_PER_SECOND = 25;
const IDLE_SECONDS = 10;
const UP_SECONDS = 20;
/** Half of it refused, half of it without an answer. */
const OUTAGE_SECONDS = 60;
/** The last try before the receiver is up again may have been followed by a pause of 32 s and a fifth. */
const CAUGHT_UP_WITHIN_MS = 90_000;

export const webhookOutage: Scenario = {
  name: 'webhook outage',
  about: `a receiver of webhooks is down for ${OUTAGE_SECONDS} s, at ${2 * VISITS_PER_SECOND} events a second`,
  repeatable: false,
  onlyOurs: true,
  async run(start) {
    const receiver = await WebhookReceiver.start();
    const extra = `[[webhooks]]\nurl = "${receiver.url}"\nsecret = "secret-of-the-bench"\nevents = ["client.*"]`;
    const server = await start({ handshakes: 64, extra });
    const fleet = new Fleet({ agentPort: server.agentPort, auth: AGENT_AUTH });
    try {
      const ramp = await fleet.connect(AGENTS, 32);
      await untilConnected(server, AGENTS);
      const authorization = await bearer(server);
      const load = { port: server.apiPort, path: '/api/v1/clients/agent-7', authorization };
      await steadyCalls(load, 2);
      const idle = await steadyCalls(load, IDLE_SECONDS);
      const [first, up] = await Promise.all([
        fleet.visit(VISITS_PER_SECOND, UP_SECONDS),
        steadyCalls(load, UP_SECONDS),
      ]);

      await receiver.become('refusing');
      const [second, down] = await Promise.all([
        fleet.visit(VISITS_PER_SECOND, OUTAGE_SECONDS),
        steadyCalls(load, OUTAGE_SECONDS),
        rest((OUTAGE_SECONDS / 2) * 1_000).then(() => receiver.become('silent')),
      ]);
      while ((await connectedClients(server)) > AGENTS) await rest(50);
      const waiting = await waitingDeliveries(server, authorization);

      const again = receiver.next();
      await receiver.become('up');
      const late = rest(CAUGHT_UP_WITHIN_MS, 'late', { ref: false });
      if ((await Promise.race([again, late])) === 'late') throw new Error('nothing was sent again');
      const begun = performance.now();
      const caughtUp = new AbortController();
      const [after] = await Promise.all([
        steadyCalls(load, caughtUp.signal),
        untilNoneWaits(() => waitingDeliveries(server, authorization)).finally(() => caughtUp.abort()),
      ]);
      const seconds = (performance.now() - begun) / 1_000;

      const wrong = look(receiver.taken, ramp.connected, [first, second]);
      const failed = idle.failed + up.failed + down.failed + after.failed;
      const gone = AGENTS - (await fleet.alive());
      const unmade = ramp.failed + first.failed + second.failed;
      return {
        figures: [
          { name: 'events', value: receiver.taken.length, unit: '' },
          { name: 'waiting at the end of the outage', value: waiting, unit: '' },
          { name: 'caught up', value: waiting / seconds, unit: '/s' },
          { name: 'API p50, idle', value: idle.p50Ms, unit: 'ms' },
          { name: 'API p50, receiver up', value: up.p50Ms, unit: 'ms' },
          { name: 'API p50, receiver down', value: down.p50Ms, unit: 'ms' },
          { name: 'API p50, catching up', value: after.p50Ms, unit: 'ms' },
          { name: 'API p99, idle', value: idle.p99Ms, unit: 'ms' },
          { name: 'API p99, receiver up', value: up.p99Ms, unit: 'ms' },
          { name: 'API p99, receiver down', value: down.p99Ms, unit: 'ms' },
          { name: 'API p99, catching up', value: after.p99Ms, unit: 'ms' },
          { name: 'lost', value: wrong.lost, unit: '' },
          { name: 'taken twice', value: wrong.twice, unit: '' },
          { name: 'out of order', value: wrong.disorder, unit: '' },
        ],
        faults: wrong.lost + wrong.twice + wrong.disorder + failed + gone + unmade,
      };
    } finally {
      await fleet.close();
      await server.stop();
      await receiver.stop();
    }
  },
};

async function untilNoneWaits(count: () => Promise<number>): Promise<void> {
  const deadline = Date.now() + CAUGHT_UP_WITHIN_MS;
  while ((await count()) > 0) {
    if (Date.now() > deadline) throw new Error('the server does not catch up');
    await rest(100);
  }
}

/** What went wrong, going by the connections that were made: those of the agents that stay, and those of visitors. */
function look(
  taken: readonly ReceivedEvent[],
  staying: number,
  visits: readonly Visits[],
): { readonly lost: number; readonly twice: number; readonly disorder: number } {
  const seen = new Set<string>();
  const lastOf = new Map<string, string>();
  let disorder = 0;
  let connected = 0;
  let disconnected = 0;
  let resumed = 0;
  for (const { id, type, client_id: client, payload } of taken) {
    if (seen.has(id)) continue;
    seen.add(id);
    if (id <= (lastOf.get(client) ?? '')) disorder += 1;
    lastOf.set(client, id);
    if (type === 'client.disconnected') disconnected += 1;
    else connected += 1;
    if (payload.resumed === true) resumed += 1;
  }
  const visited = visits.reduce(
    (sum, { accepted }) => sum + Object.values(accepted).reduce((all, number) => all + number, 0),
    0,
  );
  // Who takes over from his own older connection has not left (docs/events.md).
  const lost = Math.abs(staying + visited - connected) + Math.abs(visited - resumed - disconnected);
  return { lost, twice: taken.length - seen.size, disorder };
}
