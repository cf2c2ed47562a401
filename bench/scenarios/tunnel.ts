/**
 * Tunnel rows: bulk transfer in both directions over 1 and 8 connections, and round trips of 64 bytes over 1
 * and 32, through a tunnel to a target behind the real agent (`RPORT_BIN`; a simulated one without it).
 * Measures MB/s, server CPU per GB and latency. A connection that ends early or short rejects the run.
 */

import { openTunnel, untilConnected } from '../load/api.js';
import { type Direction, roundTrips, transfer } from '../load/tunnel-load.js';
import { startTunnelTarget } from '../load/tunnel-target.js';
import { cpuSeconds } from '../report/process-usage.js';
import { startAgent } from '../servers/agent.js';
import type { Figure, Scenario } from './scenario.js';

const TOTAL_BYTES = 1e9;
const DIRECTIONS: readonly Direction[] = ['user to agent', 'agent to user'];

export const tunnel: Scenario = {
  name: 'tunnel',
  about: 'bulk transfers of 1 GB and round trips of 64 bytes through one agent',
  async run(start) {
    const server = await start();
    const target = await startTunnelTarget();
    const agent = startAgent(server, 'bench-agent');
    const figures: Figure[] = [];
    try {
      await untilConnected(server, 1);
      const port = await openTunnel(server, 'bench-agent', target.port);
      for (const direction of DIRECTIONS) {
        for (const connections of [1, 8]) {
          await transfer(port, direction, connections, TOTAL_BYTES / 10 / connections);
          const cpuBefore = cpuSeconds(server.pid);
          const seconds = await transfer(port, direction, connections, TOTAL_BYTES / connections);
          const cpu = cpuSeconds(server.pid) - cpuBefore;
          figures.push(
            {
              name: `${direction}, ${connections} conn`,
              value: TOTAL_BYTES / 1e6 / seconds,
              unit: 'MB/s',
              ratioTarget: { atLeast: 1.5 },
            },
            {
              name: `${direction}, ${connections} conn, CPU`,
              value: cpu / (TOTAL_BYTES / 1e9),
              unit: 's/GB',
              ratioTarget: { atMost: direction === 'user to agent' ? 0.8 : 0.35 },
            },
          );
        }
      }
      for (const [connections, rounds] of [
        [1, 5_000],
        [32, 1_000],
      ] as const) {
        await roundTrips(port, connections, 200);
        const trips = await roundTrips(port, connections, rounds);
        figures.push(
          {
            name: `round trip, ${connections} conn, p50`,
            value: trips.p50Us,
            unit: 'µs',
            ratioTarget: { atMost: 1 },
          },
          {
            name: `round trip, ${connections} conn, p99`,
            value: trips.p99Us,
            unit: 'µs',
            ratioTarget: { atMost: 1 },
          },
        );
      }
      return { figures, faults: 0 };
    } finally {
      await agent.stop();
      await target.close();
      await server.stop();
    }
  },
};
