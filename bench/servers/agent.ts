/** The agent of the tunnel scenarios: the real one when `RPORT_BIN` names it, a simulated one otherwise. */

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Fleet } from '../fleet/fleet.js';
import { AGENT_AUTH, type ServerUnderTest, stopProcess } from './server-under-test.js';

export interface RunningAgent {
  stop(): Promise<void>;
}

export function startAgent(server: ServerUnderTest, id: string): RunningAgent {
  const binary = process.env.RPORT_BIN;
  return binary === undefined ? startSimulated(server, id) : startReal(binary, server, id);
}

function startSimulated(server: ServerUnderTest, id: string): RunningAgent {
  const fleet = new Fleet({ agentPort: server.agentPort, auth: AGENT_AUTH, ids: [id] });
  void fleet.connect(1, 1);
  return { stop: () => fleet.close() };
}

function startReal(binary: string, server: ServerUnderTest, id: string): RunningAgent {
  const folder = mkdtempSync(join(tmpdir(), 'bench-agent-'));
  const configuration = join(folder, 'rport.conf');
  writeFileSync(
    configuration,
    [
      '[client]',
      `server = "http://127.0.0.1:${server.agentPort}"`,
      `auth = "${AGENT_AUTH}"`,
      `id = "${id}"`,
      `name = "${id}"`,
      `data_dir = "${join(folder, 'data')}"`,
      'allow_root = true',
      'updates_interval = "0"',
      '[logging]',
      'log_level = "error"',
      '[monitoring]',
      'enabled = false',
      '',
    ].join('\n'),
  );
  const child = spawn(binary, ['-c', configuration], { stdio: ['ignore', 'ignore', 'inherit'] });
  return {
    async stop() {
      await stopProcess(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
